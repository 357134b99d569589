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

// owner is the user that PostgreSQL runs as, because PostgreSQL refuses root. If this process is not root's, it is this
// process's user.
type owner struct {
	root     bool // this process is root's, and the owner is another user
	uid, gid uint32
	public   string // the folder for files that the owner must reach and cannot reach below DATA or the cache
}

// ownerOf finds the owner: this process's user, unless it is root. For root it is the user to whom the cluster already
// belongs, else the user postgres, else nobody.
func ownerOf(config Config) (owner, error) {
	if os.Geteuid() != 0 {
		return owner{}, nil
	}
	found := owner{root: true, public: publicFolder}
	path, err := config.pathIn("postgresql")
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

// chown gives the file to the owner.
func (o owner) chown(path string) error {
	if !o.root {
		return nil
	}
	if err := os.Chown(path, int(o.uid), int(o.gid)); err != nil {
		return fmt.Errorf("give %s to PostgreSQL's user: %w", path, err)
	}
	return nil
}

// clusterFolder is the folder of the cluster: DATA/postgresql. If the owner cannot reach DATA, because it is below a
// folder that only root may enter, DATA/postgresql is a link to a folder in the public folder, which RemoveDatabase
// removes.
func (o owner) clusterFolder(config Config) (string, error) {
	link, err := config.pathIn("postgresql")
	if err != nil {
		return "", err
	}
	if !o.root || anyoneCanEnter(filepath.Dir(filepath.Dir(link))) {
		if o.root {
			if err := letPass(filepath.Dir(link)); err != nil {
				return "", err
			}
		}
		return link, o.makeFolder(link)
	}

	if err := o.makePublicFolder(); err != nil {
		return "", err
	}
	database, err := os.Readlink(link)
	if errors.Is(err, fs.ErrNotExist) {
		id := make([]byte, 8)
		rand.Read(id)
		database = filepath.Join(o.public, "postgresql-"+hex.EncodeToString(id))
		err = os.Symlink(database, link)
	}
	if err != nil {
		return "", fmt.Errorf("link the database's folder: %w", err)
	}
	if filepath.Dir(database) != o.public {
		return "", fmt.Errorf("find the database: %s leads to %s, where this program puts none; remove the link, or start with an empty folder", link, database)
	}
	if err := claim(database, link); err != nil {
		return "", err
	}
	return database, o.makeFolder(database)
}

// claim notes, in a file beside the database's folder, which link the database belongs to. A link that was moved with
// its DATA keeps the database. A link that was copied does not get it: two DATA must not share a database.
func claim(database, link string) error {
	note := database + ".of"
	former, err := os.ReadFile(note)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read whose database it is: %w", err)
	}
	if string(former) == link {
		return nil
	}
	if belongsToAnother(string(former), database, filepath.Dir(link)) {
		return fmt.Errorf("%s is a copy of %s, whose database in %s cannot belong to both; start with an empty folder", filepath.Dir(link), filepath.Dir(string(former)), database)
	}
	return replaceFile(note, []byte(link), 0o600)
}

// belongsToAnother reports whether the database belongs to a DATA that is not this one. It does if the noted link still
// exists and leads to the database. Otherwise the link was moved with its DATA.
func belongsToAnother(noted, database, data string) bool {
	target, err := os.Readlink(noted)
	return err == nil && filepath.Clean(target) == filepath.Clean(database) && !sameFolder(filepath.Dir(noted), data)
}

// RemoveDatabase deletes the database of DATA if it is outside of DATA, as it may be for root. It deletes nothing in
// DATA. PostgreSQL must have stopped.
func RemoveDatabase(data string) error { return removeDatabase(data, publicFolder) }

// removeDatabase removes the database in the public folder, and its note, if the note names this DATA, or a DATA that
// no longer exists: this one, before it was moved. Any other link leads to something that must not be deleted: the
// database of the DATA that this one was copied from, or a folder that somebody else linked. The link remains.
func removeDatabase(data, public string) error {
	link := filepath.Join(data, "postgresql")
	database, err := os.Readlink(link)
	if err != nil {
		return nil // no link: the database is in DATA
	}
	if database = filepath.Clean(database); filepath.Dir(database) != public {
		return nil
	}
	note := database + ".of"
	owned, err := os.ReadFile(note)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read whose database it is: %w", err)
	}
	if belongsToAnother(string(owned), database, data) {
		return nil
	}
	if err := os.RemoveAll(database); err != nil {
		return fmt.Errorf("remove the database: %w", err)
	}
	if err := os.Remove(note); err != nil { // last: without the note, nobody may remove the rest
		return fmt.Errorf("remove the note of the database: %w", err)
	}
	return nil
}

// sameFolder reports whether both paths, which may lead through links, name the same folder.
func sameFolder(a, b string) bool {
	first, err1 := os.Stat(a)
	second, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(first, second)
}

// makeFolder makes the owner's private folder.
func (o owner) makeFolder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	return o.chown(path)
}

// makePublicFolder makes the public folder, which all users may pass through, whatever the umask.
func (o owner) makePublicFolder() error {
	if err := os.MkdirAll(o.public, 0o755); err != nil {
		return fmt.Errorf("create %s: %w", o.public, err)
	}
	return letPass(o.public)
}

// letPass lets any user pass through the folder, but not list it.
func letPass(folder string) error {
	info, err := os.Stat(folder)
	if err == nil && info.Mode().Perm()&0o001 == 0 {
		err = os.Chmod(folder, info.Mode().Perm()|0o001)
	}
	if err != nil {
		return fmt.Errorf("let PostgreSQL's user pass through %s: %w", folder, err)
	}
	return nil
}

// anyoneCanEnter reports whether any user can pass through the folder and all above it.
func anyoneCanEnter(folder string) bool {
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
