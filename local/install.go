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

// installPostgreSQL unpacks PostgreSQL beside its jar, once, and returns the folder with bin, lib and share. If the
// server's user cannot reach the cache, it unpacks into the public folder.
func installPostgreSQL(ctx context.Context, config Config, owner owner) (string, error) {
	part, err := maven.PostgreSQL()
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
	if _, err := os.Stat(installed); err == nil {
		return installed, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("look for PostgreSQL: %w", err)
	}
	work, err := os.MkdirTemp(filepath.Dir(installed), filepath.Base(installed)+"-*")
	if err != nil {
		return "", fmt.Errorf("create a folder for PostgreSQL: %w", err)
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil {
		return "", fmt.Errorf("open PostgreSQL's folder: %w", err)
	}
	if err := unpackJar(ctx, jars, work); err != nil {
		return "", fmt.Errorf("unpack PostgreSQL: %w", err)
	}
	if err := os.Rename(work, installed); err != nil {
		if _, missing := os.Stat(installed); missing == nil { // another process was faster, with the same files
			return installed, nil
		}
		return "", fmt.Errorf("move PostgreSQL into place: %w", err)
	}
	return installed, nil
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
		if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		switch header.Typeflag {
		case tar.TypeDir:
			if err = root.MkdirAll(name, 0o755); err == nil {
				err = root.Chmod(name, 0o755) // whatever our umask
			}
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
