//go:build services

package local

import (
	"testing"

	"realtime-election/local/localtest/guest"
)

func TestSparkReadsNoObjectOfAGuest(t *testing.T) {
	spark := startServer(t, Config{Data: newData(t), SparkMemory: "1g"}, StartSpark)
	addresses, err := guest.Addresses(spark.PID())
	if err != nil {
		t.Fatal(err)
	}
	if len(addresses) < 3 {
		t.Fatalf("Spark listens on %v, want Connect, the driver and its block manager", addresses)
	}
	for _, address := range addresses {
		answer, read, err := guest.Call(t.Context(), address)
		if err != nil {
			t.Error(err)
		}
		if read {
			t.Errorf("%s has read a guest's object", address)
		}
		t.Logf("%s says\n%s", address, answer)
	}
}
