// Lets a program believe that the machine has as many processors as $PROCESSORS says: put it into LD_PRELOAD.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int processors(void) { return atoi(getenv("PROCESSORS")); }

static int fill(size_t size, cpu_set_t *set) {
  memset(set, 0, size);
  for (int i = 0; i < processors(); i++) CPU_SET_S(i, size, set);
  return 0;
}

int sched_getaffinity(pid_t process, size_t size, cpu_set_t *set) { return fill(size, set); }

int pthread_getaffinity_np(unsigned long thread, size_t size, cpu_set_t *set) {
  return fill(size, set);
}

long sysconf(int name) {
  if (name == _SC_NPROCESSORS_ONLN || name == _SC_NPROCESSORS_CONF) return processors();
  long (*real)(int) = (long (*)(int))dlsym(RTLD_NEXT, "sysconf");
  return real(name);
}

int get_nprocs(void) { return processors(); }

int get_nprocs_conf(void) { return processors(); }
