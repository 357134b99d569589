// Package certificates is the certificate authority of an election's own servers. Their clients trust that authority alone.
//
//	authority, err := certificates.OpenOrMake(folder, nil)
//	err = authority.Issue(path, []string{"kafka", "127.0.0.1"}, nil)
package certificates

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"realtime-election/election"
	"realtime-election/internal/secret"
)

// Files of the authority in its folder.
const (
	File    = "ca.pem"     // its certificate, for whoever may trust it
	KeyFile = "ca-key.pem" // its private key and certificate
)

// How long certificates are valid.
const (
	authorityLife = 20 * 365 * 24 * time.Hour
	serverLife    = 2 * 365 * 24 * time.Hour
)

// Authority signs certificates.
type Authority struct {
	folder      string
	grantAccess func(path string) error
	pair        tls.Certificate
}

// OpenOrMake opens the authority in a folder, or makes it. grantAccess lets others read its certificate, as in package secret. The
// error is an *election.InputError if the authority's key cannot be used.
func OpenOrMake(folder string, grantAccess func(path string) error) (*Authority, error) {
	a := &Authority{folder: folder, grantAccess: grantAccess}
	path := filepath.Join(folder, KeyFile)
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return a, a.make(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key of the certificate authority: %w", err)
	}
	if a.pair, err = tls.X509KeyPair(content, content); err != nil {
		return nil, &election.InputError{Text: fmt.Sprintf("%s holds no private key with its certificate (%v): put the file back as it was, or remove it, and all servers get new certificates", path, err)}
	}
	return a, a.publish()
}

// make makes the authority's key, and its certificate.
func (a *Authority) make(path string) error {
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: "Certificate authority of an election"}, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign, NotAfter: time.Now().Add(authorityLife),
	}
	content, err := a.sign(template, nil)
	if err != nil {
		return err
	}
	if err := secret.Replace(path, string(content), nil); err != nil {
		return err
	}
	if a.pair, err = tls.X509KeyPair(content, content); err != nil {
		return fmt.Errorf("use the certificate authority that was made: %w", err)
	}
	return a.publish()
}

// publish writes the authority's certificate.
func (a *Authority) publish() error {
	content := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.pair.Leaf.Raw})
	return secret.Replace(filepath.Join(a.folder, File), string(content), a.grantAccess)
}

// Issue writes a new private key of a server and its certificate, in one file. grantAccess lets the server read the file, as in
// package secret.
func (a *Authority) Issue(path string, names []string, grantAccess func(path string) error) error {
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: names[0]}, NotAfter: time.Now().Add(serverLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	content, err := a.sign(template, a.pair.Leaf)
	if err != nil {
		return err
	}
	return secret.Replace(path, string(content), grantAccess)
}

// sign makes a private key and its certificate. With no issuer the certificate is signed with that key itself.
func (a *Authority) sign(template, issuer *x509.Certificate) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a private key: %w", err)
	}
	template.NotBefore = time.Now().Add(-time.Hour) // clocks differ
	signer := a.pair.PrivateKey
	if issuer == nil {
		issuer, signer = template, key
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, issuer, &key.PublicKey, signer)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key) // Java reads no other form
	if err != nil {
		return nil, fmt.Errorf("encode a private key: %w", err)
	}
	return append(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})...), nil
}
