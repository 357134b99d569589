package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"

	"realtime-election/election"
)

// makeOurs makes DATA if it does not exist, and is an error unless checkOurs is content with it. Another user may make it first.
func makeOurs(data string) error {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fmt.Errorf("create %s: %w", data, err)
	}
	return checkOurs(data)
}

// checkOurs is an error unless DATA belongs to this process's user, and what is believed in it too: the lock, the records of
// processes, the secrets. Nobody else may write them, and none of them is a link. Nobody else may put another folder in DATA's
// place either. A DATA that does not exist yet is in order.
func checkOurs(data string) error {
	folder, err := checkWay(data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	trusted := []string{folder}
	for _, pattern := range []string{"lock", "run", "run/*", "secrets", "secrets/*", "kafka", "spark", "logs", "checkpoints"} {
		found, err := filepath.Glob(filepath.Join(globEscape(folder), pattern))
		if err != nil {
			return fmt.Errorf("look into %s: %w", data, err)
		}
		trusted = append(trusted, found...)
	}
	for _, path := range trusted {
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has just ended
		}
		if err != nil {
			return fmt.Errorf("look whose %s is: %w", path, err)
		}
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			return refuseData(data, fmt.Sprintf("%s is a link", path))
		case !ours(info):
			return refuseData(data, fmt.Sprintf("%s belongs to another user", path))
		case othersMayWrite(info) && !(path == folder && onlyOwnGroupMayWrite(info)):
			return refuseData(data, fmt.Sprintf("others may write to %s (mode %04o)", path, info.Mode().Perm()))
		case !info.IsDir() && !info.Mode().IsRegular(): // whoever reads a pipe may wait for ever
			return refuseData(data, fmt.Sprintf("%s is neither a file nor a folder", path))
		}
	}
	return nil
}

// checkWay follows the path of DATA from the root, link by link, and returns where it ends. It is an error if another user may
// rename anything on the way, and so put a folder of their own in the place of DATA.
func checkWay(data string) (folder string, err error) {
	way, err := filepath.Abs(data)
	if err != nil {
		return "", fmt.Errorf("find %s: %w", data, err)
	}
	folder = "/"
	left := strings.Split(way, "/")
	for links := 0; len(left) > 0; {
		name := left[0]
		left = left[1:]
		if name == "" || name == "." {
			continue
		}
		if err := checkAbove(data, folder); err != nil {
			return "", err
		}
		next := filepath.Join(folder, name) // the parent for ..
		info, err := os.Lstat(next)
		if err != nil {
			return "", fmt.Errorf("look whose %s is: %w", next, err)
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			folder = next
			continue
		}
		if !oursOrRoots(info) {
			return "", refuseData(data, fmt.Sprintf("%s is a link of another user", next))
		}
		target, err := os.Readlink(next)
		if err != nil {
			return "", fmt.Errorf("follow %s: %w", next, err)
		}
		if links++; links > mostLinks {
			return "", fmt.Errorf("follow %s: too many links", data)
		}
		if filepath.IsAbs(target) {
			folder = "/"
		}
		left = append(strings.Split(target, "/"), left...)
	}
	return folder, nil
}

// mostLinks is how many links a path may have, as on Linux.
const mostLinks = 40

// checkAbove is an error if other users may rename what the folder holds. Where the folder is sticky, as /tmp is, they may rename
// only what is theirs.
func checkAbove(data, folder string) error {
	info, err := os.Lstat(folder)
	if err != nil {
		return fmt.Errorf("look whose %s is: %w", folder, err)
	}
	switch {
	case !oursOrRoots(info):
		return refuseWay(data, fmt.Sprintf("%s, which leads there, belongs to another user", folder), "name a folder in your home")
	case othersMayWrite(info) && info.Mode()&fs.ModeSticky == 0 && !onlyOwnGroupMayWrite(info):
		return refuseWay(data, fmt.Sprintf("others may write to %s, which leads there (mode %04o)", folder, info.Mode().Perm()), fmt.Sprintf("chmod go-w %s, or name a folder elsewhere", folder))
	}
	return nil
}

func refuseWay(data, why, advice string) error {
	return &election.Wrong{Setting: "data", Value: data, Text: why + " and could put another folder in its place: " + advice}
}

func refuseData(data, why string) error {
	return &election.Wrong{Setting: "data", Value: data, Text: why + ": whoever can write there could have this program read and end what is yours; run as the folder's user, take the rights from others (chmod go-w), or name another folder"}
}

func ours(info fs.FileInfo) bool { return userOf(info) == os.Geteuid() }

// oursOrRoots reports whether a file is this user's, root's, or of whoever owns the root folder, who can do everything anyway. That is
// nobody in a user namespace that does not know root.
func oursOrRoots(info fs.FileInfo) bool {
	if ours(info) || userOf(info) == 0 {
		return true
	}
	root, err := os.Lstat("/")
	return err == nil && userOf(info) != unknown && userOf(info) == userOf(root)
}

// userOf is the number of the user to whom a file belongs, or unknown.
func userOf(info fs.FileInfo) int {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return unknown
	}
	return int(stat.Uid)
}

const unknown = -1

func othersMayWrite(info fs.FileInfo) bool { return info.Mode().Perm()&0o022 != 0 }

// onlyOwnGroupMayWrite reports whether nobody but this user and the group of this user's name may write. Many systems give each user
// such a group, of which nobody else is, and make new folders writable for it.
func onlyOwnGroupMayWrite(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && info.Mode().Perm()&0o002 == 0 && isOwnGroup(fmt.Sprint(stat.Gid))
}

func isOwnGroup(gid string) bool {
	own, err := user.Current()
	if err != nil || own.Gid != gid {
		return false
	}
	group, err := user.LookupGroupId(gid)
	return err == nil && group.Name == own.Username
}
