package local

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/ulikunitz/xz"

	"realtime-election/local/maven"
)

// installPostgreSQL unpacks PostgreSQL beside its jar, once, verifies what is unpacked, and returns the folder with bin,
// lib and share. If the server's user cannot reach the cache, it unpacks into the public folder.
func installPostgreSQL(ctx context.Context, config Config, owner owner) (string, error) {
	part, err := maven.PostgreSQL()
	if err != nil {
		return "", err
	}
	sum, err := part.Unpacked()
	if err != nil {
		return "", err
	}
	jars, err := maven.Fetch(ctx, config.log(), part)
	if err != nil {
		return "", err
	}
	installed := jars + ".installed"
	if owner.root && !anyoneCanEnter(filepath.Dir(jars)) {
		installed = filepath.Join(owner.public, filepath.Base(installed))
		if err := owner.makePublicFolder(); err != nil {
			return "", err
		}
	}
	return installed, install(ctx, config, jars, installed, sum)
}

// install unpacks the jar in the folder jars, unless what is in the folder installed has the sum.
func install(ctx context.Context, config Config, jars, installed, sum string) error {
	unlock, err := maven.Lock(ctx, installed+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	switch _, err := os.Lstat(installed); {
	case err == nil:
		err := maven.VerifyTree(installed, sum)
		if err == nil {
			return nil
		}
		config.log().Warn("PostgreSQL differs from its archive, unpacking it again", "folder", installed, "error", err)
		if err := os.RemoveAll(installed); err != nil {
			return fmt.Errorf("remove a PostgreSQL that differs from its archive: %w", err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("look for PostgreSQL: %w", err)
	}
	work, err := os.MkdirTemp(filepath.Dir(installed), filepath.Base(installed)+"-*")
	if err != nil {
		return fmt.Errorf("create a folder for PostgreSQL: %w", err)
	}
	defer os.RemoveAll(work)
	if err := unpackJar(ctx, jars, work); err != nil {
		return fmt.Errorf("unpack PostgreSQL: %w", err)
	}
	if err := maven.VerifyTree(work, sum); err != nil {
		return fmt.Errorf("unpack PostgreSQL: %w", err)
	}
	if err := os.Rename(work, installed); err != nil {
		return fmt.Errorf("move PostgreSQL into place: %w", err)
	}
	return nil
}

// UnpackedSum is the sum of what the jar in the folder unpacks to.
func UnpackedSum(ctx context.Context, jars string) (string, error) {
	work, err := os.MkdirTemp("", "unpacked-")
	if err != nil {
		return "", fmt.Errorf("create a folder for PostgreSQL: %w", err)
	}
	defer os.RemoveAll(work)
	if err := unpackJar(ctx, jars, work); err != nil {
		return "", fmt.Errorf("unpack PostgreSQL: %w", err)
	}
	return maven.TreeSum(work)
}

// unpackJar unpacks the one .txz in the one jar of the folder.
func unpackJar(ctx context.Context, folder, target string) error {
	jars, err := filepath.Glob(filepath.Join(globEscape(folder), "*.jar"))
	if err != nil || len(jars) != 1 {
		return fmt.Errorf("%s does not hold one jar", folder)
	}
	jar, err := zip.OpenReader(jars[0])
	if err != nil {
		return fmt.Errorf("open %s: %w", jars[0], err)
	}
	defer jar.Close()
	for _, file := range jar.File {
		if strings.HasSuffix(file.Name, ".txz") {
			packed, err := file.Open()
			if err != nil {
				return fmt.Errorf("open %s: %w", file.Name, err)
			}
			defer packed.Close()
			unpacked, err := xz.NewReader(bufio.NewReaderSize(packed, 1<<16))
			if err != nil {
				return fmt.Errorf("open %s: %w", file.Name, err)
			}
			return unpackTar(ctx, unpacked, target)
		}
	}
	return fmt.Errorf("%s holds no .txz", jars[0])
}

// unpackTar writes the archive's folders, files and links below target, and nothing outside it. A link that leads to
// nothing in the archive is an error.
func unpackTar(ctx context.Context, archive io.Reader, target string) error {
	root, err := os.OpenRoot(target)
	if err != nil {
		return err
	}
	defer root.Close()
	if err := root.Chmod(".", 0o755); err != nil {
		return err
	}
	reader := tar.NewReader(archive)
	var links []string
	for ctx.Err() == nil {
		header, err := reader.Next()
		if err == io.EOF {
			return checkLinks(root, links)
		}
		if err != nil {
			return err
		}
		name := filepath.Clean(header.Name)
		if err := makeFolders(root, filepath.Dir(name)); err != nil {
			return err
		}
		switch header.Typeflag {
		case tar.TypeDir:
			err = makeFolders(root, name)
		case tar.TypeSymlink:
			err = root.Symlink(header.Linkname, name)
			links = append(links, name)
		case tar.TypeReg:
			err = unpackFile(root, name, header.FileInfo().Mode().Perm(), reader)
		default:
			err = fmt.Errorf("%s is of an unknown kind", header.Name)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// makeFolders makes a folder and those above it, for every user.
func makeFolders(root *os.Root, name string) error {
	err := root.MkdirAll(name, 0o755)
	for ; err == nil && name != "."; name = filepath.Dir(name) {
		err = root.Chmod(name, 0o755) // whatever our umask
	}
	return err
}

// checkLinks is an error unless each link leads to something in the root.
func checkLinks(root *os.Root, links []string) error {
	for _, link := range links {
		if _, err := root.Stat(link); err != nil { // it follows no link out of the root
			return fmt.Errorf("the archive has a link that leads to nothing in it: %w", err)
		}
	}
	return nil
}

func unpackFile(root *os.Root, name string, mode fs.FileMode, content io.Reader) error {
	f, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	if err == nil {
		err = f.Chmod(mode | 0o444) // whatever our umask
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	return err
}
