//go:build services

package spark_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"realtime-election/local/localtest"
)

// realServerTests are the tests that give the same answers on a server whose connections are cut every second.
var realServerTests = map[string]func(*testing.T){
	"TestArgumentsKeepTheirTypes":                      TestArgumentsKeepTheirTypes,
	"TestBatchWriteIsReadBack":                         TestBatchWriteIsReadBack,
	"TestCancelledQueryEndsOnTheServer":                TestCancelledQueryEndsOnTheServer,
	"TestCollectReadsEveryPlainType":                   TestCollectReadsEveryPlainType,
	"TestConfigIsSetReadAndUnset":                      TestConfigIsSetReadAndUnset,
	"TestDeduplicationBetweenTwoViews":                 TestDeduplicationBetweenTwoViews,
	"TestEventsTellTheLifeOfAQuery":                    TestEventsTellTheLifeOfAQuery,
	"TestEventsTellWhyAQueryFailed":                    TestEventsTellWhyAQueryFailed,
	"TestFailingQueryTellsWhy":                         TestFailingQueryTellsWhy,
	"TestFirstAndLastTimesComeBack":                    TestFirstAndLastTimesComeBack,
	"TestForeignServerSessionIDIsChanged":              TestForeignServerSessionIDIsChanged,
	"TestHandlesOfOtherSessionsAndRunsAreTyped":        TestHandlesOfOtherSessionsAndRunsAreTyped,
	"TestIntervalLongerThanADurationIsAnError":         TestIntervalLongerThanADurationIsAnError,
	"TestInterruptTagEndsWhatCarriesIt":                TestInterruptTagEndsWhatCarriesIt,
	"TestLoopOfAnotherClientTakesTheEvents":            TestLoopOfAnotherClientTakesTheEvents,
	"TestLoopThatLostTheEventsUnawaresLeavesThemThere": TestLoopThatLostTheEventsUnawaresLeavesThemThere,
	"TestManyBatchesArriveWholeAndInOrder":             TestManyBatchesArriveWholeAndInOrder,
	"TestMillionsOfRowsPassInLittleMemory":             TestMillionsOfRowsPassInLittleMemory,
	"TestOperatorsMeanWhatSparkMeans":                  TestOperatorsMeanWhatSparkMeans,
	"TestOwnRowsComeBackAsTheyWere":                    TestOwnRowsComeBackAsTheyWere,
	"TestQueriesCancelledEarlyLeaveNoJob":              TestQueriesCancelledEarlyLeaveNoJob,
	"TestQueryOutlivesItsClient":                       TestQueryOutlivesItsClient,
	"TestRarerTypesAreRead":                            TestRarerTypesAreRead,
	"TestRateStreamReportsProgressAndStops":            TestRateStreamReportsProgressAndStops,
	"TestRealTimeTriggerReachesTheServer":              TestRealTimeTriggerReachesTheServer,
	"TestReleasedSessionIsClosed":                      TestReleasedSessionIsClosed,
	"TestSQLErrorsCarryClassStateAndParameters":        TestSQLErrorsCarryClassStateAndParameters,
	"TestSessionIsInTheZoneOfTheRun":                   TestSessionIsInTheZoneOfTheRun,
	"TestStepsGiveSparksRows":                          TestStepsGiveSparksRows,
	"TestVariantsAreWhatToJSONWrites":                  TestVariantsAreWhatToJSONWrites,
	"TestVersionIsSparks":                              TestVersionIsSparks,
	"TestWindowsOfAStreamAreCounted":                   TestWindowsOfAStreamAreCounted,
}

func TestCutConnections(t *testing.T) {
	for _, every := range []time.Duration{time.Second, 100 * time.Millisecond} {
		t.Run(every.String(), func(t *testing.T) {
			proxy := newCutter(t, localtest.Spark(t), every)
			throughProxy = proxy.url(t)
			inServersZone = every == time.Second
			defer func() { throughProxy, inServersZone = "", false }()
			for name, test := range realServerTests {
				t.Run(name, test)
			}
			if cuts := proxy.cuts.Load(); cuts < 20 {
				t.Errorf("%d connections were cut", cuts)
			} else {
				t.Logf("%d connections were cut", cuts)
			}
		})
	}
}

// TestEveryRealServerTestIsCutToo keeps the list above whole.
func TestEveryRealServerTestIsCutToo(t *testing.T) {
	files := must(filepath.Glob("real*_test.go"))(t)
	for _, file := range files {
		if file == "realcut_test.go" {
			continue
		}
		parsed := must(parser.ParseFile(token.NewFileSet(), file, nil, 0))(t)
		for _, declaration := range parsed.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, "Test") && realServerTests[f.Name.Name] == nil {
				t.Errorf("%s of %s is not in realServerTests", f.Name.Name, file)
			}
		}
	}
	if !slices.Contains(files, "real_test.go") {
		t.Errorf("read %v", files)
	}
}
