package web

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"realtime-election/election"
)

// Certificate is a TLS certificate with its private key, in two PEM files. They are read at each connection, so that renewed ones
// are taken without a restart.
type Certificate struct {
	certificateFile, keyFile string
	log                      *slog.Logger

	mu   sync.Mutex
	last pair // as it was read last, be it of use or not
	good *tls.Certificate
}

// pair is the content of the two files, or why it cannot be read.
type pair struct{ certificate, key, problem string }

// ReadCertificate reads the two files. It returns nil if both names are empty. The error is an *election.Wrong of the setting
// tls-certificate or tls-key.
func ReadCertificate(certificateFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	switch {
	case certificateFile == "" && keyFile == "":
		return nil, nil
	case keyFile == "":
		return nil, &election.Wrong{Setting: "tls-key", Text: "is missing; name the file with the private key of {tls-certificate}"}
	case certificateFile == "":
		return nil, &election.Wrong{Setting: "tls-certificate", Text: "is missing; name the file with the certificate of {tls-key}"}
	}
	c := &Certificate{certificateFile: certificateFile, keyFile: keyFile, log: log}
	var err error
	if c.last, err = c.read(); err != nil {
		return nil, err
	}
	if c.good, err = c.parse(c.last); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Certificate) read() (pair, error) {
	certificate, err := os.ReadFile(c.certificateFile)
	if err != nil {
		return pair{problem: err.Error()}, c.wrong(fmt.Sprintf("it cannot be read: %v", err))
	}
	key, err := os.ReadFile(c.keyFile)
	if err != nil {
		return pair{problem: err.Error()}, &election.Wrong{Setting: "tls-key", Value: c.keyFile, Text: fmt.Sprintf("it cannot be read: %v", err)}
	}
	return pair{certificate: string(certificate), key: string(key)}, nil
}

func (c *Certificate) parse(p pair) (*tls.Certificate, error) {
	certificate, err := tls.X509KeyPair([]byte(p.certificate), []byte(p.key))
	if err != nil {
		return nil, c.wrong(fmt.Sprintf("it must be a PEM file of a certificate and its chain, and {tls-key} one of its private key, without a password: %v", err))
	}
	from, until := certificate.Leaf.NotBefore, certificate.Leaf.NotAfter
	if now := time.Now(); now.Before(from) || now.After(until) {
		return nil, c.wrong(fmt.Sprintf("the certificate is valid from %s to %s only; renew it", from.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339)))
	}
	return &certificate, nil
}

func (c *Certificate) wrong(text string) error {
	return &election.Wrong{Setting: "tls-certificate", Value: c.certificateFile, Text: text}
}

// get is the certificate for a connection: that of the files, or the earlier one while they hold none.
func (c *Certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, err := c.read()
	if now == c.last {
		return c.good, nil
	}
	c.last = now
	var renewed *tls.Certificate
	if err == nil {
		renewed, err = c.parse(now)
	}
	if err != nil {
		c.log.Warn("the earlier certificate of the page stays: the renewed one cannot be used", "error", err)
		return c.good, nil
	}
	c.log.Info("the page has a renewed certificate", "valid_until", renewed.Leaf.NotAfter)
	c.good = renewed
	return c.good, nil
}

// TrustedAs is an *election.Wrong if a client on this machine does not trust the certificate for a name or an address.
func (c *Certificate) TrustedAs(host string) error {
	between := x509.NewCertPool()
	for _, der := range c.good.Certificate[1:] {
		if certificate, err := x509.ParseCertificate(der); err == nil {
			between.AddCert(certificate)
		}
	}
	if _, err := c.good.Leaf.Verify(x509.VerifyOptions{DNSName: host, Intermediates: between}); err != nil {
		return c.wrong(fmt.Sprintf("this machine does not trust it for %s: %v; give a name of the certificate first in {names}, and its authority in the variable SSL_CERT_FILE", host, err))
	}
	return nil
}
