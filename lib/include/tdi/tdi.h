/* SPDX-License-Identifier: MIT */
/*
 * libtdi, all of it. tdi.h is for a program that does not care which part it uses; each
 * of the headers below stands alone, in C and in C++.
 */
#ifndef TDI_TDI_H
#define TDI_TDI_H

#include <tdi/advice.h>
#include <tdi/device.h>
#include <tdi/iommu.h>
#include <tdi/sysfs.h>
#include <tdi/tsm.h>
#include <tdi/vm.h>

#endif /* TDI_TDI_H */
