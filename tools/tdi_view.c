// SPDX-License-Identifier: GPL-2.0-only
/*
 * One function as its three sides see it: Linux by sysfs, device and firmware by the
 * debugfs of the emulated platform. On real hardware the two do not tell the host.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "tdi.h"
#include "vendors.h"

#define MAX_FUNCTIONS	256
#define FIRST_VF	2	/* fn2 and fn3 of the platform are VFs of function 0 */

/* the process has the file @path open */
static bool has_open(const char *pid, const char *path)
{
	char dir_path[PATH_MAX], link[PATH_MAX + NAME_MAX + 2], target[PATH_MAX];
	bool found = false;
	struct dirent *e;
	ssize_t n;
	DIR *dir;

	snprintf(dir_path, sizeof(dir_path), "/proc/%s/fd", pid);
	dir = opendir(dir_path);
	if (!dir)
		return false;
	while (!found && (e = readdir(dir))) {
		snprintf(link, sizeof(link), "%s/%s", dir_path, e->d_name);
		n = readlink(link, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = 0;
		found = !strcmp(target, path);
	}
	closedir(dir);
	return found;
}

static void add_user(const char *pid, char *users, size_t size)
{
	char path[PATH_MAX], name[32] = "?";
	size_t len = strlen(users);
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	in = fopen(path, "re");
	if (in) {
		if (fgets(name, sizeof(name), in))
			name[strcspn(name, "\n")] = 0;
		fclose(in);
	}
	snprintf(users + len, size - len, "%s%s (%s)", len ? ", " : "", pid,
		 name);
}

/*
 * The kernel does not say which VM a TDI is bound to: the VMM is who has the device
 * open. A file that is only mapped, or lies in a socket, is not found.
 */
static void find_users(const char *cdev, char *users, size_t size)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *dir;

	users[0] = 0;
	dir = cdev[0] ? opendir("/proc") : NULL;
	if (!dir)
		return;
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", cdev);
	while ((e = readdir(dir)))
		if (isdigit((unsigned char)e->d_name[0]) &&
		    has_open(e->d_name, path))
			add_user(e->d_name, users, size);
	closedir(dir);
}

static void read_state(struct view *v)
{
	char text[VIEW_TEXT];
	size_t word;

	if (tdi_attr_read(v->fn.bdf, "tdi/state", text, sizeof(text)))
		return;
	v->can_be_tdi = true;
	word = strcspn(text, ":");
	snprintf(v->state, sizeof(v->state), "%.*s", (int)word, text);
	if (text[word])
		snprintf(v->reason, sizeof(v->reason), "%s",
			 text + word + 1 + strspn(text + word + 1, " "));
}

/* which function of the platform: VFs come after the device's own functions */
static int find_index(const struct tdi_function *fn)
{
	char path[PATH_MAX], target[PATH_MAX];
	const char *name;
	ssize_t n;
	int i;

	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path),
			 "/sys/bus/pci/devices/%s/physfn/virtfn%d", fn->bdf, i);
		n = readlink(path, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = 0;
		name = strrchr(target, '/');
		if (!strcmp(name ? name + 1 : target, fn->bdf))
			return FIRST_VF + i;
	}
	return fn->rid & 7;
}

static void find_platform(struct view *v)
{
	char node[32];
	int i;

	for (i = 0; i < NR_VENDORS; i++) {
		snprintf(node, sizeof(node), "teemu-%s", vendors[i].name);
		if (tdi_function_below(v->fn.bdf, node) == 1)
			snprintf(v->vendor, sizeof(v->vendor), "%s",
				 vendors[i].name);
	}
	v->index = find_index(&v->fn);
}

int view_linux(const char *bdf, struct view *v)
{
	int ret;

	memset(v, 0, sizeof(*v));
	ret = tdi_function_read(bdf, &v->fn);
	if (ret)
		return ret;
	read_state(v);
	if (tdi_function_tsm(bdf, v->link, v->parent))
		v->link[0] = v->parent[0] = 0;
	if (tdi_attr_read(bdf, "tsm/dsm", v->dsm_host, sizeof(v->dsm_host)))
		v->dsm_host[0] = 0;
	if (tdi_attr_read(bdf, "tsm/bound", v->bound, sizeof(v->bound)))
		v->bound[0] = 0;
	find_users(v->fn.cdev, v->users, sizeof(v->users));
	find_platform(v);
	return 0;
}

/* what Linux has not unbound, in the whole domain: one platform is one domain */
static unsigned int count_tdis(uint32_t domain)
{
	static struct tdi_function fns[MAX_FUNCTIONS];
	unsigned int count = 0;
	char state[VIEW_TEXT];
	int n, i;

	n = tdi_function_list(0xffff, 0xffff, fns, MAX_FUNCTIONS);
	for (i = 0; i < n && i < MAX_FUNCTIONS; i++)
		count += fns[i].domain == domain &&
			 !tdi_attr_read(fns[i].bdf, "tdi/state", state,
					sizeof(state)) &&
			 strcmp(state, "unbound");
	return count;
}

void view_others(struct view *v)
{
	const struct vendor *vendor = vendor_find(v->vendor);
	char path[32], text[4096];

	if (!vendor)
		return;
	snprintf(path, sizeof(path), "fn%d/tdi", v->index);
	if (!audit_file(v->vendor, path, text, sizeof(text)))
		snprintf(v->dsm, sizeof(v->dsm), "%.*s",
			 (int)strcspn(text, "\n"), text);
	if (audit_file(v->vendor, "tables", text, sizeof(text)))
		return;
	v->fw = true;
	v->fw_tdis = audit_number(text, vendor->tdis);
	v->fw_tvms = audit_number(text, vendor->tvms);
	v->fw_links = audit_number(text, vendor->link_tables[0].name);
	if (!audit_file(v->vendor, "referee", text, sizeof(text)))
		v->fw_violations = audit_number(text, "violations");
	v->host_tdis = count_tdis(v->fn.domain);
}

static bool is_changing(const struct view *v)
{
	return !strcmp(v->state, "binding") || !strcmp(v->state, "unbinding");
}

enum colour view_colour(const struct view *v)
{
	if (!strcmp(v->state, "quarantined"))
		return BAD;
	if (is_changing(v))
		return CHANGING;
	return strcmp(v->state, "bound") ? PLAIN : GOOD;
}

bool view_tdi_agrees(const struct view *v)
{
	if (!v->dsm[0] || !v->can_be_tdi || is_changing(v))
		return true;
	if (!strcmp(v->state, "bound"))
		return !strcmp(v->dsm, "CONFIG_LOCKED") ||
		       !strcmp(v->dsm, "RUN");
	return !strcmp(v->state, "unbound") &&
	       !strcmp(v->dsm, "CONFIG_UNLOCKED");
}

bool view_firmware_agrees(const struct view *v)
{
	return !v->fw || is_changing(v) || v->fw_tdis == v->host_tdis;
}

bool view_link_agrees(const struct view *v)
{
	return !v->fw || !v->fw_links == !v->link[0];
}

int need_function(const char *what, const char *bdf, bool tdi, struct view *v)
{
	int ret;

	if (!tdi_bdf_valid(bdf))
		return complain_usage(what, "%s: not of the form DDDD:BB:DD.F",
				      bdf);
	ret = view_linux(bdf, v);
	if (ret)
		return complain(what, bdf, ret == -ENOENT ? -ENODEV : ret,
				"no PCI function has this address; tdi list shows those that can be TDIs");
	if (tdi ? v->can_be_tdi : v->fn.dsm)
		return EXIT_OK;
	return complain(what, bdf, -ENODEV, tdi ?
			"this function cannot be a TDI: neither it nor its function 0 says that it supports TEE-I/O" :
			"this function cannot host a link (no tsm/connect): name function 0 of the device, and see in tdi list whether the host has a TSM");
}
