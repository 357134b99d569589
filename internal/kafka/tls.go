package kafka

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// checkTLS checks the properties of TLS, and the files they name, as they are now.
func (s *Security) checkTLS() error {
	for _, store := range []string{"ssl.truststore", "ssl.keystore"} {
		if kind := s.properties[store+".type"]; kind != "PEM" && (kind != "" || s.has(store)) {
			return fmt.Errorf("%s.type must be PEM; keytool and openssl convert other stores", store)
		}
	}
	if algorithm, given := s.properties["ssl.endpoint.identification.algorithm"]; given && algorithm != "https" {
		return errors.New("ssl.endpoint.identification.algorithm must be https, or left out: a certificate that may be anybody's proves nothing")
	}
	_, err := s.tlsConfig()
	return err
}

// has tells whether anything is said of a store.
func (s *Security) has(store string) bool {
	for _, part := range []string{".location", ".certificates", ".key", ".certificate.chain"} {
		if s.properties[store+part] != "" {
			return true
		}
	}
	return false
}

// tlsConfig reads the certificates. Without a truststore those of this machine are trusted.
func (s *Security) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if s.has("ssl.truststore") {
		pem, err := s.pem("ssl.truststore.location", "ssl.truststore.certificates")
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New("the truststore holds no certificate in PEM form")
		}
	}
	if s.has("ssl.keystore") {
		chain, err := s.pem("ssl.keystore.location", "ssl.keystore.certificate.chain")
		if err != nil {
			return nil, err
		}
		key := chain
		if inline := s.properties["ssl.keystore.key"]; inline != "" {
			key = []byte(inline)
		}
		certificate, err := tls.X509KeyPair(chain, key)
		if err != nil {
			return nil, fmt.Errorf("the keystore must hold a certificate and its private key, in PEM form and without a password: %w", err)
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	return config, nil
}

// pem is the content of the file that the first property names, or else the second property itself.
func (s *Security) pem(location, inline string) ([]byte, error) {
	path := s.properties[location]
	if path == "" {
		return []byte(s.properties[inline]), nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", location, err)
	}
	return content, nil
}
