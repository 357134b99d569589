package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"realtime-election/election"
	"realtime-election/internal/kafka"
	"realtime-election/internal/principals"
)

// loginsFolder is the folder, in DATA, of the files by which the principals log in to Kafka.
func loginsFolder(config Config) (string, error) {
	path, err := config.pathIn("secrets", "x")
	return filepath.Dir(path), err
}

// makeLogins makes the logins that are missing. It refuses a Kafka whose passwords are lost, or that never had any.
func makeLogins(config Config) (folder string, err error) {
	if folder, err = loginsFolder(config); err != nil {
		return "", err
	}
	formatted, err := exists(filepath.Join(config.Data, Kafka, "data", "meta.properties"))
	if err != nil {
		return "", err
	}
	if found, err := exists(principals.Init.Login(folder)); err != nil {
		return "", err
	} else if formatted && !found {
		return "", &election.InputError{Text: fmt.Sprintf("Kafka's data in %s are there, and its passwords in %s are not: put them back, or %s", config.Data, folder, adviceIfLost)}
	}
	return folder, principals.Logins{Folder: folder, AdviceIfLost: adviceIfLost}.Make()
}

func exists(path string) (bool, error) {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// kafkaAs is DATA's Kafka at an address, for a principal.
func kafkaAs(config Config, address string, as principals.Principal) (kafka.Cluster, error) {
	folder, err := loginsFolder(config)
	if err != nil {
		return kafka.Cluster{}, err
	}
	security, err := kafka.ReadSecurity(as.Login(folder))
	return kafka.Cluster{Brokers: []string{address}, Security: security, Log: config.log()}, err
}

// KafkaAs is the Kafka that runs in the folder, for a principal.
func KafkaAs(config Config, as principals.Principal) (cluster kafka.Cluster, running bool, err error) {
	if err := checkOurs(config.Data); err != nil {
		return kafka.Cluster{}, false, err
	}
	record, running := Running(config.Data, Kafka)
	if !running {
		return kafka.Cluster{}, false, nil
	}
	cluster, err = kafkaAs(config, record.Address, as)
	return cluster, true, err
}
