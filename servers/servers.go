// Package servers holds the configuration of Kafka and Spark that local mode and the images of docker-compose.yml share:
// properties, Java options, logging, and the jars with their SHA-256 sums.
//
// One pom pins the version of every jar. After a change of it, `go generate ./servers` writes the lists of sums anew.
package servers

import "embed"

//go:generate go run realtime-election/local/maven/sums

// Files holds the files of this folder by name.
//
//go:embed *.properties *.options pom.xml *.sha256
var Files embed.FS

// Must is the text of one of Files. It panics where there is none of this name, which is a mistake of the program.
func Must(name string) string {
	content, err := Files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(content)
}
