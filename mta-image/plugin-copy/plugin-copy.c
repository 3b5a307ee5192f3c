/*
 * plugin-copy FROM TO: copies a file, or a folder without leaving its file system.
 *
 * Init containers of the operator's pods run it where a cluster cannot mount images as volumes: inside the image of
 * a plugin, which usually holds no program at all. So it is linked statically and needs nothing but itself. What
 * cannot be read is named on standard error and left out, since an image may hold files that are not ours to read;
 * what cannot be written ends it with 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *from;
static const char *to;

static int fail(const char *path) {
  fprintf(stderr, "plugin-copy: %s: %s\n", path, strerror(errno));
  return 1;
}

static int copy_file(const char *source, const char *target, mode_t mode) {
  int in = open(source, O_RDONLY | O_CLOEXEC);
  if (in < 0) return fail(source), 0;
  int out = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, (mode & 0777) | 0400);
  if (out < 0) return close(in), fail(target);
  static char buffer[1 << 16];
  ssize_t size;
  while ((size = read(in, buffer, sizeof buffer)) > 0)
    for (ssize_t done = 0; done < size;) {
      ssize_t written = write(out, buffer + done, (size_t)(size - done));
      if (written < 0) return fail(target);
      done += written;
    }
  if (size < 0) return fail(source);
  close(in);
  return close(out) < 0 ? fail(target) : 0;
}

static int copy_link(const char *source, const char *target) {
  char text[PATH_MAX];
  ssize_t size = readlink(source, text, sizeof text - 1);
  if (size < 0) return fail(source), 0;
  text[size] = '\0';
  return symlink(text, target) < 0 && errno != EEXIST ? fail(target) : 0;
}

static int visit(const char *path, const struct stat *info, int kind, struct FTW *place) {
  (void)place;
  size_t length = strlen(to);
  /* The target may lie below the source. */
  if (strncmp(path, to, length) == 0 && (path[length] == '/' || path[length] == '\0')) return 0;
  char target[PATH_MAX];
  const char *rest = path + strlen(from);
  if (snprintf(target, sizeof target, "%s/%s", to, rest) >= (int)sizeof target)
    return errno = ENAMETOOLONG, fail(path);
  if (kind == FTW_D) return mkdir(target, 0755) < 0 && errno != EEXIST ? fail(target) : 0;
  if (kind == FTW_SL) return copy_link(path, target);
  if (kind == FTW_F && S_ISREG(info->st_mode)) return copy_file(path, target, info->st_mode);
  if (kind == FTW_DNR || kind == FTW_NS) return errno = EACCES, fail(path), 0;
  return 0;
}

int main(int count, char **arguments) {
  if (count != 3) return fprintf(stderr, "usage: plugin-copy FROM TO\n"), 64;
  from = arguments[1];
  to = arguments[2];
  struct stat info;
  if (stat(from, &info) < 0) return fail(from);
  if (!S_ISDIR(info.st_mode)) return copy_file(from, to, info.st_mode);
  return nftw(from, visit, 16, FTW_PHYS | FTW_MOUNT) == 0 ? 0 : 1;
}
