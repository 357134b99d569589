package local

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// publicFolder is where root puts the databases whose owner cannot reach DATA.
const publicFolder = "/var/lib/realtime-election"

// owner is the user PostgreSQL runs as: it refuses root. Where this process is not root, it is ourselves.
type owner struct {
	root     bool // we are root, and the owner is another
	uid, gid uint32
	public   string // where root puts what the owner must reach and cannot reach below DATA or the cache
}

// ownerOf finds the user: ourselves, or for root the one whom the cluster already belongs to, else the user postgres,
// else nobody.
func ownerOf(config Config) (owner, error) {
	if os.Geteuid() != 0 {
		return owner{}, nil
	}
	found := owner{root: true, public: publicFolder}
	path, err := config.in("postgresql")
	if err != nil {
		return owner{}, err
	}
	if info, err := os.Stat(path); err == nil {
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid != 0 {
			found.uid, found.gid = stat.Uid, stat.Gid
			return found, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(account.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(account.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return owner{}, fmt.Errorf("look up the user %s: %w", name, err)
		}
		found.uid, found.gid = uint32(uid), uint32(gid)
		return found, nil
	}
	return owner{}, errors.New("PostgreSQL does not run as root, and this machine has neither a user postgres nor a user nobody: run as an ordinary user, or add one of them")
}

func (o owner) credential() *syscall.Credential {
	if !o.root {
		return nil
	}
	return &syscall.Credential{Uid: o.uid, Gid: o.gid}
}

// take gives the file to the owner.
func (o owner) take(path string) error {
	if !o.root {
		return nil
	}
	if err := os.Chown(path, int(o.uid), int(o.gid)); err != nil {
		return fmt.Errorf("give %s to PostgreSQL's user: %w", path, err)
	}
	return nil
}

// home is the folder of the cluster: DATA/postgresql. Where the owner cannot reach DATA, because root keeps it under a
// folder that only root may enter, DATA/postgresql is a link to a folder elsewhere, which RemoveDatabase removes.
func (o owner) home(config Config) (string, error) {
	link, err := config.in("postgresql")
	if err != nil {
		return "", err
	}
	if !o.root || enterable(filepath.Dir(filepath.Dir(link))) {
		if o.root {
			if err := passable(filepath.Dir(link)); err != nil {
				return "", err
			}
		}
		return link, o.folder(link)
	}

	if err := o.openPublic(); err != nil {
		return "", err
	}
	elsewhere, err := os.Readlink(link)
	if errors.Is(err, fs.ErrNotExist) {
		id := make([]byte, 8)
		rand.Read(id)
		elsewhere = filepath.Join(o.public, "postgresql-"+hex.EncodeToString(id))
		err = os.Symlink(elsewhere, link)
	}
	if err != nil {
		return "", fmt.Errorf("link the database's folder: %w", err)
	}
	if filepath.Dir(elsewhere) != o.public {
		return "", fmt.Errorf("find the database: %s leads to %s, where this program puts none; remove the link, or start with an empty folder", link, elsewhere)
	}
	if err := claim(elsewhere, link); err != nil {
		return "", err
	}
	return elsewhere, o.folder(elsewhere)
}

// claim notes beside the database's folder which link is its own. A link that was moved with its DATA takes the folder
// along; one that was copied does not: two of them must not share a database.
func claim(elsewhere, link string) error {
	note := elsewhere + ".of"
	former, err := os.ReadFile(note)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read whose database it is: %w", err)
	}
	if string(former) == link {
		return nil
	}
	if anothers(string(former), elsewhere, filepath.Dir(link)) {
		return fmt.Errorf("%s is a copy of %s, whose database in %s cannot belong to both; start with an empty folder", filepath.Dir(link), filepath.Dir(string(former)), elsewhere)
	}
	return replaceFile(note, []byte(link), 0o600)
}

// anothers says whether the database elsewhere belongs to a DATA that is not this one: the noted link is still where it
// was made and leads to the database. Otherwise it was moved with its DATA.
func anothers(noted, elsewhere, data string) bool {
	target, err := os.Readlink(noted)
	return err == nil && filepath.Clean(target) == filepath.Clean(elsewhere) && !sameFolder(filepath.Dir(noted), data)
}

// RemoveDatabase deletes the database of DATA where it is outside of DATA, as it may be for root; what is in DATA stays.
// PostgreSQL must have stopped.
func RemoveDatabase(data string) error { return removeDatabase(data, publicFolder) }

// removeDatabase removes the database that lies in the public folder, with its note, if the note says that it is this
// DATA's, or that of a DATA which is there no longer: this one, before it was moved. What any other link leads to is not
// ours to delete: the database of the DATA that this one was copied from, or a folder that someone else linked. The link
// itself stays.
func removeDatabase(data, public string) error {
	link := filepath.Join(data, "postgresql")
	elsewhere, err := os.Readlink(link)
	if err != nil {
		return nil // no link: what is there goes with DATA
	}
	if elsewhere = filepath.Clean(elsewhere); filepath.Dir(elsewhere) != public {
		return nil
	}
	note := elsewhere + ".of"
	owned, err := os.ReadFile(note)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read whose database it is: %w", err)
	}
	if anothers(string(owned), elsewhere, data) {
		return nil
	}
	if err := os.RemoveAll(elsewhere); err != nil {
		return fmt.Errorf("remove the database: %w", err)
	}
	if err := os.Remove(note); err != nil { // last: without it, nobody may remove what is left
		return fmt.Errorf("remove the note of the database: %w", err)
	}
	return nil
}

// sameFolder says whether both paths, which may lead through links, name one folder.
func sameFolder(a, b string) bool {
	first, err1 := os.Stat(a)
	second, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(first, second)
}

// folder makes the owner's private folder.
func (o owner) folder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	return o.take(path)
}

// openPublic makes the public folder, open to all whatever our umask.
func (o owner) openPublic() error {
	if err := os.MkdirAll(o.public, 0o755); err != nil {
		return fmt.Errorf("create %s: %w", o.public, err)
	}
	return passable(o.public)
}

// passable lets any user pass through the folder, which is not to list it.
func passable(folder string) error {
	info, err := os.Stat(folder)
	if err == nil && info.Mode().Perm()&0o001 == 0 {
		err = os.Chmod(folder, info.Mode().Perm()|0o001)
	}
	if err != nil {
		return fmt.Errorf("let PostgreSQL's user pass through %s: %w", folder, err)
	}
	return nil
}

// enterable says whether any user can pass through the folder and all above it.
func enterable(folder string) bool {
	for {
		info, err := os.Stat(folder)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			return true
		}
		folder = parent
	}
}
