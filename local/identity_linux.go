package local

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// identify finds the identity of a process. Its start is in clock ticks since this boot, with the boot's id. ended says
// that the process has ended, and its parent has not waited for it yet. After that, identify is an error.
func identify(pid int) (found identity, ended bool, err error) {
	path := fmt.Sprintf("/proc/%d/stat", pid)
	stat, err := os.ReadFile(path)
	if err != nil {
		return identity{}, false, fmt.Errorf("find process %d: %w", pid, err)
	}
	// pid (name) state …: the name may hold spaces and parentheses, so count from the last one.
	text := string(stat)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	const state, startTime = 0, 19
	if len(fields) <= startTime {
		return identity{}, false, fmt.Errorf("find process %d: unknown form of /proc/%d/stat", pid, pid)
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return identity{}, false, fmt.Errorf("read the boot id: %w", err)
	}
	ended = fields[state] == "Z" || fields[state] == "X"
	found.Started = fields[startTime] + "@" + strings.TrimSpace(string(boot))
	if info, err := os.Stat(path); err == nil {
		found.Owner = info.Sys().(*syscall.Stat_t).Uid
	}
	if info, err := os.Stat(fmt.Sprintf("/proc/%d/exe", pid)); err == nil { // root in a container may not see that of others
		file := info.Sys().(*syscall.Stat_t)
		found.Executable = fmt.Sprintf("%d:%d", file.Dev, file.Ino)
	}
	return found, ended, nil
}
