package wire_test

import (
	"archive/zip"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protoreflect"

	"realtime-election/spark/wire"
)

const (
	ours   = "spark.wire."
	sparks = "spark.connect."
)

func ourFiles() []protoreflect.FileDescriptor {
	return []protoreflect.FileDescriptor{
		wire.File_spark_wire_base_proto, wire.File_spark_wire_commands_proto,
		wire.File_spark_wire_relations_proto, wire.File_spark_wire_expressions_proto,
		wire.File_spark_wire_types_proto,
	}
}

// sparkSchema compiles the .proto files inside Spark's jar.
func sparkSchema(t *testing.T) protocompile.Compiler {
	t.Helper()
	pattern := filepath.Join(sparkJars(t), "spark-connect_*.jar")
	jars, err := filepath.Glob(pattern)
	if err != nil || len(jars) != 1 {
		t.Fatalf("%d jars match %s, expected one (%v): fetch Spark's jars first", len(jars), pattern, err)
	}
	jar, err := zip.OpenReader(jars[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { jar.Close() })
	return protocompile.Compiler{Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{
		Accessor: func(path string) (io.ReadCloser, error) { return jar.Open(path) },
	})}
}

// theirs finds Spark's declaration of what we declare.
func theirs(t *testing.T) func(protoreflect.FullName) protoreflect.Descriptor {
	compiler := sparkSchema(t)
	files, err := compiler.Compile(t.Context(), "spark/connect/base.proto", "spark/connect/commands.proto",
		"spark/connect/relations.proto", "spark/connect/expressions.proto", "spark/connect/types.proto", "spark/connect/common.proto")
	if err != nil {
		t.Fatalf("compile Spark's .proto files: %v", err)
	}
	return func(name protoreflect.FullName) protoreflect.Descriptor {
		found, err := files.AsResolver().FindDescriptorByName(protoreflect.FullName(sparks + strings.TrimPrefix(string(name), ours)))
		if err != nil {
			t.Errorf("Spark has no %s: %v", strings.TrimPrefix(string(name), ours), err)
			return nil
		}
		return found
	}
}

func TestEveryDeclarationIsSparks(t *testing.T) {
	find := theirs(t)
	compared := 0
	var messages func(protoreflect.MessageDescriptors)
	messages = func(all protoreflect.MessageDescriptors) {
		for i := range all.Len() {
			message := all.Get(i)
			if message.IsMapEntry() {
				continue
			}
			if their, ok := find(message.FullName()).(protoreflect.MessageDescriptor); ok {
				compared += compareFields(t, message, their)
			}
			compared += compareEnums(t, message.Enums(), find)
			messages(message.Messages())
		}
	}
	for _, file := range ourFiles() {
		messages(file.Messages())
		compared += compareEnums(t, file.Enums(), find)
	}
	if compared < 300 {
		t.Errorf("only %d fields and values were compared", compared)
	}
}

func compareFields(t *testing.T, our, their protoreflect.MessageDescriptor) int {
	for i := range our.Fields().Len() {
		field := our.Fields().Get(i)
		spark := their.Fields().ByName(field.Name())
		if spark == nil {
			t.Errorf("%s: Spark has no such field", field.FullName())
			continue
		}
		if got, expected := describe(field), describe(spark); got != expected {
			t.Errorf("%s is %s, Spark's is %s", field.FullName(), got, expected)
		}
	}
	return our.Fields().Len()
}

// describe is all of a field that has a part in the wire format.
func describe(field protoreflect.FieldDescriptor) string {
	parts := []string{field.Cardinality().String(), typeOf(field), "=", strconv.Itoa(int(field.Number()))}
	if field.HasOptionalKeyword() {
		parts = append(parts, "explicitly optional")
	}
	if one := field.ContainingOneof(); one != nil && !one.IsSynthetic() {
		parts = append(parts, "in oneof", string(one.Name()))
	}
	if field.IsPacked() {
		parts = append(parts, "packed")
	}
	return strings.Join(parts, " ")
}

func typeOf(field protoreflect.FieldDescriptor) string {
	switch {
	case field.IsMap():
		return "map of " + typeOf(field.MapKey()) + " to " + typeOf(field.MapValue())
	case field.Message() != nil:
		return short(field.Message())
	case field.Enum() != nil:
		return short(field.Enum())
	}
	return field.Kind().String()
}

func short(d protoreflect.Descriptor) string {
	return strings.TrimPrefix(strings.TrimPrefix(string(d.FullName()), ours), sparks)
}

func compareEnums(t *testing.T, enums protoreflect.EnumDescriptors, find func(protoreflect.FullName) protoreflect.Descriptor) int {
	compared := 0
	for i := range enums.Len() {
		their, ok := find(enums.Get(i).FullName()).(protoreflect.EnumDescriptor)
		if !ok {
			continue
		}
		values := enums.Get(i).Values()
		compared += values.Len()
		for v := range values.Len() {
			value := values.Get(v)
			if spark := their.Values().ByName(value.Name()); spark == nil || spark.Number() != value.Number() {
				t.Errorf("%s = %d is not Spark's", value.FullName(), value.Number())
			}
		}
	}
	return compared
}

func TestEveryMethodIsSparks(t *testing.T) {
	our := wire.File_spark_wire_base_proto.Services().ByName("SparkConnectService")
	their, ok := theirs(t)(our.FullName()).(protoreflect.ServiceDescriptor)
	if !ok {
		t.Fatal("Spark has no such service")
	}
	if their.FullName() != "spark.connect.SparkConnectService" {
		t.Errorf("Spark's service is %s", their.FullName())
	}
	for i := range our.Methods().Len() {
		method := our.Methods().Get(i)
		spark := their.Methods().ByName(method.Name())
		if spark == nil {
			t.Errorf("Spark has no method %s", method.Name())
			continue
		}
		if short(method.Input()) != short(spark.Input()) || short(method.Output()) != short(spark.Output()) ||
			method.IsStreamingClient() != spark.IsStreamingClient() || method.IsStreamingServer() != spark.IsStreamingServer() {
			t.Errorf("%s differs from Spark's", method.FullName())
		}
	}
}

// TestUpstreamClientCanBeLinkedToo holds that nothing is registered under Spark's names.
func TestUpstreamClientCanBeLinkedToo(t *testing.T) {
	for _, file := range ourFiles() {
		if !strings.HasPrefix(file.Path(), "spark/wire/") || file.Package()+"." != ours {
			t.Errorf("%s of package %s could clash with Spark's own", file.Path(), file.Package())
		}
	}
}

// TestMissingFileInTheJarIsAnError keeps the accessor honest: a file that is not in the jar must not compile as empty.
func TestMissingFileInTheJarIsAnError(t *testing.T) {
	compiler := sparkSchema(t)
	if _, err := compiler.Compile(t.Context(), "spark/connect/nothing.proto"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, expected that the file does not exist", err)
	}
}
