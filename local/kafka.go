package local

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"realtime-election/internal/principals"
	"realtime-election/local/maven"
	"realtime-election/servers"
)

// StartKafka starts DATA's Kafka, one broker that is its own controller, and returns once it answers. The first start
// formats its storage. Kafka creates no topic because a client asks for it. ctx bounds the start only.
func StartKafka(ctx context.Context, config Config) (*Process, error) {
	java, version, err := java(ctx)
	if err != nil {
		return nil, err
	}
	jars, err := maven.Fetch(ctx, config.log(), maven.Kafka)
	if err != nil {
		return nil, err
	}
	port, err := keptPort(config, "127.0.0.1", "kafka")
	if err != nil {
		return nil, err
	}
	logins, err := makeLogins(config)
	if err != nil {
		return nil, err
	}
	folder, err := configureKafka(config, port)
	if err != nil {
		return nil, err
	}
	memory := config.KafkaMemory
	if memory == "" {
		memory = "768m"
	}
	options, classes := classOptions(config, Kafka, java, version, jars)
	options = append(options, "@java.options", "-Dlog4j2.configurationFile=log4j2.properties", "-cp", filepath.Join(jars, "*"))
	if err := formatKafka(ctx, java, options, folder, logins); err != nil {
		return nil, err
	}
	process, err := start(config, command{
		name: Kafka, path: java, folder: folder, address: fmt.Sprintf("127.0.0.1:%d", port),
		args: slices.Concat([]string{"-Xms" + memory, "-Xmx" + memory}, options, []string{"kafka.Kafka", "server.properties"}),
		env:  []string{javaLocale}, classes: classes,
	})
	if err != nil {
		return nil, err
	}
	cluster, err := kafkaAs(config, process.address, principals.Health)
	if err != nil {
		process.kill()
		<-process.done
		return nil, err
	}
	cluster.Log = slog.New(slog.DiscardHandler) // it would warn until Kafka answers
	return waitUntilAnswers(ctx, process, cluster.Answers)
}

// configureKafka writes the files that Kafka and its Java read, and returns their folder.
func configureKafka(config Config, port int) (folder string, err error) {
	controller, err := keptPort(config, "127.0.0.1", "kafka-controller")
	if err != nil {
		return "", err
	}
	properties, err := config.pathIn("kafka", "server.properties")
	if err != nil {
		return "", err
	}
	folder = filepath.Dir(properties)
	content := strings.NewReplacer("{port}", fmt.Sprint(port), "{controller}", fmt.Sprint(controller)).Replace(servers.Must("kafka.properties"))
	if err := replaceFile(properties, []byte(content), 0o600); err != nil {
		return "", err
	}
	if err := replaceFile(filepath.Join(folder, "log4j2.properties"), []byte(servers.Must("log4j2.properties")), 0o600); err != nil {
		return "", err
	}
	return folder, replaceFile(filepath.Join(folder, "java.options"), []byte(servers.Must("kafka.options")), 0o600)
}

// formatKafka prepares the storage unless meta.properties exists, which Kafka writes last.
func formatKafka(ctx context.Context, java string, options []string, folder, logins string) error {
	_, err := os.Stat(filepath.Join(folder, "data", "meta.properties"))
	if err == nil {
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look for kafka's storage: %w", err)
	}
	id := make([]byte, 16)
	rand.Read(id)
	id[0] &= 0x7f // an id that begins with '-' is taken for an option
	cluster := base64.RawURLEncoding.EncodeToString(id)
	args := append(slices.Clone(options), "kafka.tools.StorageTool", "format", "--cluster-id", cluster, "--config", "server.properties", "--ignore-formatted", "@"+filepath.Join(logins, principals.FormatArgs))
	cmd := exec.CommandContext(ctx, java, args...)
	cmd.Dir, cmd.Env = folder, append(inherited(), javaLocale)
	if output, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("format kafka's storage in %s: %w: %s", folder, err, strings.TrimSpace(string(output)))
	}
	return nil
}
