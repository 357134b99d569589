package local

import (
	"path/filepath"

	"realtime-election/internal/certificates"
)

// certify gives a server on the loopback interface a new certificate of DATA's authority, in a file that grantAccess lets the
// server read. ca is the file of the authority that the server's clients trust. So a program of another user that takes the
// server's port learns nothing from them.
func certify(config Config, path string, grantAccess func(path string) error) (ca string, err error) {
	if ca, err = config.pathIn("secrets", certificates.File); err != nil {
		return "", err
	}
	authority, err := certificates.OpenOrMake(filepath.Dir(ca), nil)
	if err != nil {
		return "", err
	}
	return ca, authority.Issue(path, []string{"127.0.0.1"}, grantAccess)
}
