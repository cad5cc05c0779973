/* Counts the bytes that a process holds through malloc, for the memory line of the benchmark: preloaded before libc.
   What is mapped directly (thread stacks, OpenBLAS's fixed buffers, code) is not counted. glibc only. */

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static atomic_long held, most;

long counted_held(void) { return atomic_load(&held); }
long counted_most(void) { return atomic_load(&most); }
void counted_restart(void) { atomic_store(&most, atomic_load(&held)); }

static void *add(void *p) {
    if (p) {
        long size = (long)malloc_usable_size(p), now = atomic_fetch_add(&held, size) + size;
        long seen = atomic_load(&most);
        while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now)) {}
    }
    return p;
}

void *malloc(size_t size) { return add(__libc_malloc(size)); }
void *calloc(size_t count, size_t size) { return add(__libc_calloc(count, size)); }
void *memalign(size_t align, size_t size) { return add(__libc_memalign(align, size)); }
void *aligned_alloc(size_t align, size_t size) { return add(__libc_memalign(align, size)); }

int posix_memalign(void **p, size_t align, size_t size) {
    void *made = add(__libc_memalign(align, size));
    if (!made) return ENOMEM;
    *p = made;
    return 0;
}

void free(void *p) {
    if (p) atomic_fetch_sub(&held, (long)malloc_usable_size(p));
    __libc_free(p);
}

void *realloc(void *p, size_t size) {
    long before = p ? (long)malloc_usable_size(p) : 0;
    void *made = __libc_realloc(p, size);
    if (made || size == 0) atomic_fetch_sub(&held, before);
    return add(made);
}
