/* SPDX-License-Identifier: MIT */
/*
 * libtdi, sysfs: find functions and TSMs, connect a link, choose a driver.
 *
 * No context: these calls read and write files below /sys and keep nothing.
 * A BDF is the text "DDDD:BB:DD.F" (domain of 4 to 8 hex digits). Every call
 * answers 0 or a count on success and -errno otherwise; -EINVAL: no such form of
 * BDF or name; -ENOENT: no such function, TSM or attribute.
 */
#ifndef TDI_SYSFS_H
#define TDI_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TDI_BDF_MAX	24
#define TDI_NAME_MAX	64

/**
 * struct tdi_function - what sysfs tells about one PCI function
 * @bdf: its address
 * @vendor, @device: PCI ids
 * @domain, @rid: PCI segment, and requester id (bus << 8 | devfn)
 * @dsm: it has tsm/connect: it can host the link to a TSM
 * @tsm: name of the TSM that its link is connected to, "" when none
 * @driver: name of the driver that is bound, "" when none
 * @cdev: name below /dev/vfio/devices, "" when VFIO does not offer it
 */
struct tdi_function {
	char bdf[TDI_BDF_MAX];
	uint16_t vendor;
	uint16_t device;
	uint32_t domain;
	uint16_t rid;
	bool dsm;
	char tsm[TDI_NAME_MAX];
	char driver[TDI_NAME_MAX];
	char cdev[TDI_NAME_MAX];
};

/* @bdf is well-formed: the only strings that reach a path */
bool tdi_bdf_valid(const char *bdf);
/* BDF of function @fn of the device that @bdf belongs to, into @out */
int tdi_bdf_function(const char *bdf, unsigned int fn, char out[TDI_BDF_MAX]);

int tdi_function_read(const char *bdf, struct tdi_function *fn);
/*
 * Functions with @vendor and @device (0xffff: any), sorted by BDF. Fills at most
 * @max of @fns and answers how many there are.
 */
int tdi_function_list(uint16_t vendor, uint16_t device,
		      struct tdi_function *fns, size_t max);

/*
 * Name ("tsm0") of the first TSM whose parent device is called @parent, with or
 * without ".<instance>", or of the first TSM at all when @parent is NULL.
 */
int tdi_tsm_find(const char *parent, char name[TDI_NAME_MAX]);
/* Names of the TSM @index in directory order and of its parent; -ENOENT: no more */
int tdi_tsm_get(unsigned int index, char name[TDI_NAME_MAX],
		char parent[TDI_NAME_MAX]);

/*
 * Names of the TSM that the device of @bdf is connected to, and of the TSM's parent.
 * -ENOTCONN: to none.
 */
int tdi_function_tsm(const char *bdf, char name[TDI_NAME_MAX],
		     char parent[TDI_NAME_MAX]);
/*
 * 1: @bdf is below a device called @ancestor in the tree of devices, or has a
 * parent with such a child, as a root complex and its TSM have; 0: it is not
 */
int tdi_function_below(const char *bdf, const char *ancestor);

/* Connect the link of @bdf, a DSM host, to @tsm; and the inverse. */
int tdi_link_connect(const char *bdf, const char *tsm);
int tdi_link_disconnect(const char *bdf);

/*
 * Give @bdf to @driver: driver_override, unbind what is there, probe. And back:
 * clear the override and unbind. Both are no-ops when that is already so. -ENODEV:
 * @driver does not take it; the function is left without a driver then.
 */
int tdi_driver_bind(const char *bdf, const char *driver);
int tdi_driver_unbind(const char *bdf);

/* One attribute of a function: text without the last newline; NUL-terminated. */
int tdi_attr_read(const char *bdf, const char *attr, char *buf, size_t size);
int tdi_attr_write(const char *bdf, const char *attr, const char *text);

#ifdef __cplusplus
}
#endif

#endif /* TDI_SYSFS_H */
