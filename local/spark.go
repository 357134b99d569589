package local

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"time"

	"realtime-election/internal/peer"
	"realtime-election/local/maven"
	"realtime-election/servers"
)

// StartSpark starts DATA's Spark Connect server and returns once it speaks HTTP/2. Clients must send the token that is
// part of its address. ctx bounds the start only.
func StartSpark(ctx context.Context, config Config) (*Process, error) {
	java, version, err := java(ctx)
	if err != nil {
		return nil, err
	}
	jars, err := maven.Fetch(ctx, config.log(), maven.Spark)
	if err != nil {
		return nil, err
	}
	token, err := ownSecret(config, "spark")
	if err != nil {
		return nil, err
	}
	port, err := keptPort(config, "127.0.0.1", "spark")
	if err != nil {
		return nil, err
	}
	logging, err := config.pathIn("spark", "log4j2.properties")
	if err != nil {
		return nil, err
	}
	folder := filepath.Dir(logging)
	if err := replaceFile(logging, []byte(servers.Must("log4j2.properties")), 0o600); err != nil {
		return nil, err
	}
	if err := replaceFile(filepath.Join(folder, "java.options"), []byte(servers.Must("spark.options")), 0o600); err != nil {
		return nil, err
	}
	listen := fmt.Sprintf("127.0.0.1:%d", port)
	classes, archive := classOptions(config, Spark, java, version, jars)
	process, err := start(config, command{
		name: Spark, path: java, folder: folder, classes: archive,
		args:    append(classes, sparkArgs(config, folder, jars, port)...),
		env:     []string{javaLocale, "SPARK_CONNECT_AUTHENTICATE_TOKEN=" + token, "SPARK_LOCAL_IP=127.0.0.1"},
		address: "sc://" + listen + "/;token=" + url.PathEscape(token),
	})
	if err != nil {
		return nil, err
	}
	return waitUntilAnswers(ctx, process, func(ctx context.Context) error { return speaksHTTP2(ctx, listen) })
}

func sparkArgs(config Config, folder, jars string, port int) []string {
	memory := "-XX:MaxRAMPercentage=17"
	if config.SparkMemory != "" {
		memory = "-Xmx" + config.SparkMemory
	}
	args := []string{memory, "@java.options", "-Dlog4j2.configurationFile=log4j2.properties", "-Djava.io.tmpdir=" + folder}
	for _, setting := range [][2]string{
		{"spark.app.name", "election"},
		{"spark.master", "local[*]"},
		{"spark.driver.host", "127.0.0.1"},
		{"spark.driver.bindAddress", "127.0.0.1"},
		{"spark.connect.grpc.binding.address", "127.0.0.1"},
		{"spark.connect.grpc.binding.port", fmt.Sprint(port)},
		{"spark.ui.enabled", fmt.Sprint(config.SparkUI)},
		{"spark.ui.showConsoleProgress", "false"},
		{"spark.hadoop.fs.permissions.umask-mode", "077"}, // Hadoop has a umask of its own
		{"spark.local.dir", filepath.Join(folder, "local")},
		{"spark.sql.warehouse.dir", filepath.Join(folder, "warehouse")},
	} {
		args = append(args, "-D"+setting[0]+"="+setting[1])
	}
	return append(args, "-cp", filepath.Join(jars, "*"), "org.apache.spark.sql.connect.service.SparkConnectServer")
}

// speaksHTTP2 sends the preface of an HTTP/2 connection and an empty SETTINGS frame. It returns nil if a SETTINGS frame
// comes back: then a gRPC server listens there, which belongs to this user.
func speaksHTTP2(ctx context.Context, address string) error {
	conn, err := peer.Dial(ctx, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(2 * time.Second)
	}
	if err := conn.SetDeadline(deadline); err != nil {
		return fmt.Errorf("set a deadline: %w", err)
	}
	const settings = 4
	if _, err := conn.Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")); err != nil {
		return fmt.Errorf("greet %s: %w", address, err)
	}
	var frame [9]byte
	if _, err := io.ReadFull(conn, frame[:]); err != nil {
		return fmt.Errorf("hear from %s: %w", address, err)
	}
	if frame[3] != settings {
		return fmt.Errorf("hear from %s: it does not speak HTTP/2", address)
	}
	return nil
}
