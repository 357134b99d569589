package local

import (
	"fmt"
	"os"
	"strings"
)

// identity is when the process started, in clock ticks since this boot, and the boot's id: another process that gets
// the same pid has another one. A process that has ended, reaped or not, is an error.
func identity(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", fmt.Errorf("find process %d: %w", pid, err)
	}
	// pid (name) state …: the name may hold spaces and parentheses, so count from the last one.
	text := string(stat)
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	const state, startTime = 0, 19
	if len(fields) <= startTime {
		return "", fmt.Errorf("find process %d: unknown form of /proc/%d/stat", pid, pid)
	}
	if fields[state] == "Z" || fields[state] == "X" {
		return "", fmt.Errorf("find process %d: it has ended", pid)
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("read the boot id: %w", err)
	}
	return fields[startTime] + "@" + strings.TrimSpace(string(boot)), nil
}
