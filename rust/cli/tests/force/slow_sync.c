/* Makes each sync of a file take 10 ms longer, and appends a byte to the file that SYNC_LOG names for each. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long slow(long number, int file) {
    const struct timespec delay = {0, 10 * 1000 * 1000};
    int log = open(getenv("SYNC_LOG"), O_WRONLY | O_APPEND | O_CREAT, 0600);
    nanosleep(&delay, NULL);
    if (log >= 0) {
        if (write(log, ".", 1) != 1) {
            abort();
        }
        close(log);
    }
    return syscall(number, file);
}

int fsync(int file) { return (int)slow(SYS_fsync, file); }

int fdatasync(int file) { return (int)slow(SYS_fdatasync, file); }
