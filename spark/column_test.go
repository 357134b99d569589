package spark_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"realtime-election/spark"
	"realtime-election/spark/internal/scripted"
	"realtime-election/spark/sparktest"
	"realtime-election/spark/wire"
)

// sent makes the DataFrame a view and returns its relation as it reached the server.
func sent(t *testing.T, server *sparktest.Server, df *spark.DataFrame) *wire.Relation {
	t.Helper()
	server.Execute(sparktest.Done()...)
	if err := df.CreateOrReplaceTempView(t.Context(), "v"); err != nil {
		t.Fatal(err)
	}
	return lastPlan(t, server).GetCommand().GetCreateDataframeView().GetInput()
}

// text writes an expression as one line: function(arguments), and the kind of what is no function.
func text(e *wire.Expression) string {
	switch kind := e.GetExprType().(type) {
	case *wire.Expression_UnresolvedAttribute_:
		if kind.UnresolvedAttribute.PlanId != nil {
			return "df." + kind.UnresolvedAttribute.GetUnparsedIdentifier()
		}
		return kind.UnresolvedAttribute.GetUnparsedIdentifier()
	case *wire.Expression_UnresolvedStar_:
		return "star(" + kind.UnresolvedStar.GetUnparsedTarget() + ")"
	case *wire.Expression_ExpressionString_:
		return "sql(" + kind.ExpressionString.GetExpression() + ")"
	case *wire.Expression_Literal_:
		parts := strings.SplitN(strings.Join(strings.Fields(kind.Literal.String()), " "), ":", 2)
		return parts[0] + ":" + strings.TrimSpace(parts[1])
	case *wire.Expression_UnresolvedFunction_:
		name := kind.UnresolvedFunction.GetFunctionName()
		if kind.UnresolvedFunction.GetIsDistinct() {
			name += " distinct "
		}
		return name + "(" + texts(kind.UnresolvedFunction.GetArguments()) + ")"
	case *wire.Expression_CallFunction:
		return "call " + kind.CallFunction.GetFunctionName() + "(" + texts(kind.CallFunction.GetArguments()) + ")"
	case *wire.Expression_Alias_:
		return text(kind.Alias.GetExpr()) + " AS " + strings.Join(kind.Alias.GetName(), ".")
	case *wire.Expression_Cast_:
		return text(kind.Cast.GetExpr()) + "::" + kind.Cast.GetTypeStr()
	case *wire.Expression_SortOrder_:
		return order(kind.SortOrder)
	case *wire.Expression_UnresolvedExtractValue_:
		return text(kind.UnresolvedExtractValue.GetChild()) + "[" + text(kind.UnresolvedExtractValue.GetExtraction()) + "]"
	}
	return fmt.Sprintf("?%v", e)
}

func texts(list []*wire.Expression) string {
	parts := make([]string, len(list))
	for i, e := range list {
		parts[i] = text(e)
	}
	return strings.Join(parts, ", ")
}

func order(o *wire.Expression_SortOrder) string {
	return fmt.Sprintf("%s %s %s", text(o.GetChild()), strings.TrimPrefix(o.GetDirection().String(), "SORT_DIRECTION_"),
		strings.TrimPrefix(o.GetNullOrdering().String(), "SORT_"))
}

func TestColumnsAreSparksExpressions(t *testing.T) {
	server := sparktest.New(t)
	df := scripted.Dial(t, server).Table("t")
	a := spark.Col("a")
	for expected, c := range map[string]spark.Column{
		"a.b":                       spark.Col("a.b"),
		"star()":                    spark.Col("*"),
		"star(s.*)":                 spark.Col("s.*"),
		"df.a":                      df.Col("a"),
		"sql(a + 1)":                spark.Expr("a + 1"),
		"==(a, integer:1)":          a.Eq(1),
		"==(a, b)":                  a.Eq(spark.Col("b")),
		"not(==(a, integer:1))":     a.Ne(1),
		"<(a, integer:1)":           a.Lt(1),
		"<=(a, integer:1)":          a.Le(1),
		">(a, integer:1)":           a.Gt(1),
		">=(a, integer:1)":          a.Ge(1),
		"+(a, integer:1)":           a.Plus(1),
		"-(a, integer:1)":           a.Minus(1),
		"*(a, double:2.5)":          a.Multiply(2.5),
		"/(a, integer:1)":           a.Divide(1),
		"%(a, integer:2)":           a.Mod(2),
		"and(a, boolean:true)":      a.And(true),
		"or(a, b)":                  a.Or(spark.Col("b")),
		"not(a)":                    a.Not(),
		"isNull(a)":                 a.IsNull(),
		"isNotNull(a)":              a.IsNotNull(),
		`in(a, string:"x", b)`:      a.IsIn("x", spark.Col("b")),
		`like(a, string:"x%")`:      a.Like("x%"),
		`rlike(a, string:"^x")`:     a.RLike("^x"),
		`ilike(a, string:"%x")`:     a.ILike("%x"),
		`contains(a, b)`:            a.Contains(spark.Col("b")),
		`startswith(a, string:"x")`: a.StartsWith("x"),
		`endswith(a, string:"x")`:   a.EndsWith("x"),
		"a::bigint":                 a.Cast("bigint"),
		"a AS n":                    a.Alias("n"),
		"a ASCENDING NULLS_LAST":    a.AscNullsLast(),
		"a DESCENDING NULLS_FIRST":  a.DescNullsFirst(),
		`a[string:"x.y"]`:           a.GetField("x.y"),
		"a[integer:0]":              a.GetItem(0),
		"and(>=(a, integer:1), <=(a, integer:9))": a.Between(1, 9),
		"call upper(a)":                    spark.Call("upper", a),
		"count(integer:1)":                 spark.Count(spark.Col("*")),
		"count(a)":                         spark.Count(a),
		"count distinct (a, b)":            spark.CountDistinct(a, spark.Col("b")),
		"sum(a)":                           spark.Sum(a),
		"avg(a)":                           spark.Avg(a),
		"min(a)":                           spark.Min(a),
		"max(a)":                           spark.Max(a),
		`when(a, string:"x")`:              spark.When(a, "x"),
		"when(a, integer:1, b, integer:2)": spark.When(a, 1).When(spark.Col("b"), 2),
		"when(a, integer:1, integer:2)":    spark.When(a, 1).Otherwise(2),
		`window(a, string:"60000 milliseconds", string:"1 microseconds")`: spark.Window(a, time.Minute, time.Microsecond),
		"array(integer:1, integer:2)":                                     spark.Lit([]int{1, 2}),
		`map(string:"k", integer:1)`:                                      spark.Lit(spark.Map{{Key: "k", Value: 1}}),
		`parse_json(string:"[1]")`:                                        spark.Lit(spark.Variant("[1]")),
		`binary:"x"`:                                                      spark.Lit([]byte("x")),
		"null:{null:{}}":                                                  spark.Lit(nil),
		"byte:1":                                                          spark.Lit(int8(1)),
		"short:1":                                                         spark.Lit(int16(1)),
		"long:1":                                                          spark.Lit(int64(1)),
		"long:4294967296":                                                 spark.Lit(1 << 32),
		"float:1.5":                                                       spark.Lit(float32(1.5)),
		`decimal:{value:"1.20"}`:                                          spark.Lit(spark.Decimal("1.20")),
		"date:1":                                                          spark.Lit(spark.Date{Year: 1970, Month: 1, Day: 2}),
		`decimal:{value:"-.5E+2"}`:                                        spark.Lit(spark.Decimal("-.5E+2")),
		"timestamp_ntz:-1000001":                                          spark.Lit(spark.TimestampNTZ{Date: spark.Date{Year: 1969, Month: 12, Day: 31}, Hour: 23, Minute: 59, Second: 58, Microsecond: 999999}),
		"timestamp:-1":                                                    spark.Lit(time.Unix(-1, 999999999)),
		"timestamp:1000001":                                               spark.Lit(time.Unix(1, 1000)),
		"day_time_interval:1000001":                                       spark.Lit(time.Second + time.Microsecond),
		"a":                                                               spark.Lit(a),
		"calendar_interval:{months:1 days:2 microseconds:3}": spark.Lit(spark.CalendarInterval{Months: 1, Days: 2, Microseconds: 3}),
	} {
		if got := text(sent(t, server, df.Select(c)).GetProject().GetExpressions()[0]); got != expected {
			t.Errorf("got %s, expected %s", got, expected)
		}
	}
}

// TestWhenLeavesItsStemAlone holds that a column is a value: two branches off one stem do not share their ends.
func TestWhenLeavesItsStemAlone(t *testing.T) {
	server := sparktest.New(t)
	stem := spark.When(spark.Col("a"), 1).When(spark.Col("b"), 2).When(spark.Col("c"), 3)
	one, two := stem.Otherwise(4), stem.Otherwise(5)
	project := sent(t, server, scripted.Dial(t, server).Table("t").Select(one, two, stem)).GetProject()
	if got := texts(project.GetExpressions()); !strings.Contains(got, "integer:4)") || !strings.Contains(got, "integer:5)") || !strings.HasSuffix(got, "integer:3)") {
		t.Errorf("got %s", got)
	}
}

func TestMistakesInColumnsShowWhenThePlanIsUsed(t *testing.T) {
	server := sparktest.New(t)
	session := scripted.Dial(t, server)
	df, bad := session.Table("t"), spark.Lit(struct{}{})
	good := spark.Col("a")
	for name, c := range map[string]struct {
		df       *spark.DataFrame
		expected string
	}{
		"literal":   {df.Filter(good.Eq(1).And(good.Gt(struct{}{}))), "filter: a struct {} has no SQL literal"},
		"wrapped":   {df.Select(good, bad.Cast("int").Alias("x").Not()), "select: a struct {}"},
		"key":       {df.Select(good.GetItem(bad)), "select: a struct {}"},
		"slice":     {df.Select(spark.Lit([]any{1, []struct{}{{}}})), "select: a struct {}"},
		"empty":     {df.WithColumn("x", spark.Column{}), "add column x: a column is empty"},
		"call":      {df.Select(spark.Call("upper", bad)), "select: a struct {}"},
		"count":     {df.GroupBy(good).Agg(spark.Count(spark.Column{})), "aggregate: a column is empty"},
		"group":     {df.GroupBy(bad).Count(), "aggregate: a struct {}"},
		"sort":      {df.OrderBy(bad.Desc()), "order by: a struct {}"},
		"join":      {df.Join(df, bad, spark.InnerJoin), "join: a struct {}"},
		"right":     {df.Union(df.Filter(bad)), "union: filter: a struct {}"},
		"sessions":  {df.JoinUsing(scripted.Dial(t, server).Table("t"), spark.InnerJoin, "a"), "join: the DataFrames are of two sessions"},
		"no when":   {df.Select(good.Otherwise(1)), "Otherwise follows only a When"},
		"ended":     {df.Select(spark.When(good, 1).Otherwise(2).When(good, 3)), "When follows only a When"},
		"operators": {df.Select(bad.When(good, 1)), "select: a struct {}"},
		"later":     {df.Filter(bad).Limit(1).Distinct().WithWatermark("a", 0).OrderBy(good).Filter(spark.Column{}), "filter: a struct {}"},
		"width":     {session.CreateDataFrame([][]any{{1}, {1, 2}}, "a INT"), "create a DataFrame: row 2 has 2 values, the first has 1"},
		"types":     {session.CreateDataFrame([][]any{{1}, {nil}, {"x"}}, "a INT"), "column 1: a string beside a int"},
		"no type":   {session.CreateDataFrame([][]any{{1, []any{struct{}{}}}}, "a INT, b INT"), "column 2: elements of an array: a struct {}"},
		"decimal":   {session.CreateDataFrame([][]any{{spark.Decimal("x")}}, "a DECIMAL"), `row 1, column 1: decimal "x" is not a number`},
		"day":       {df.Filter(good.Gt(spark.Date{Year: 2024, Month: 2, Day: 30})), "filter: 2024-02-30 is not a day that Spark has"},
		"far day":   {df.Select(spark.Lit(spark.Date{Year: 1 << 40, Month: 1, Day: 1})), "select: +1099511627776-01-01 is not a day that Spark has"},
		"no day":    {df.Select(spark.Lit(spark.Date{})), "select: 0000-00-00 is not a day that Spark has"},
		"far time":  {df.Select(spark.Lit(time.Unix(1<<60, 0))), "select: the time 1152921504606846976 seconds after 1970 is outside"},
		"old time":  {df.Select(spark.Lit(time.Unix(-1<<50, 0))), "is outside of Spark's timestamps"},
		"wall":      {df.Select(spark.Lit(spark.TimestampNTZ{Date: spark.Date{Year: 2024, Month: 1, Day: 2}, Hour: 24})), "select: 2024-01-02 24:00:00 is not a time that Spark has"},
		"far wall":  {df.Select(spark.Lit(spark.TimestampNTZ{Date: spark.Date{Year: 294248, Month: 1, Day: 1}})), "select: +294248-01-01 00:00:00 is not a time that Spark has"},
		"small":     {df.Select(spark.Lit(5 * time.Nanosecond)), "select: a duration of 5ns is no whole number of microseconds"},
		"part":      {df.Select(spark.Lit(time.Second + time.Nanosecond)), "select: a duration of 1.000000001s is no whole"},
		"text":      {df.Select(spark.Lit("a\xff")), `select: the string "a\xff" is not UTF-8`},
		"digits":    {df.Select(spark.Lit(spark.Decimal("1e38"))), `select: decimal "1e38" has more than 38 digits`},
		"fraction":  {df.Select(spark.Lit(spark.Decimal("1e-39"))), `select: decimal "1e-39" has more than 38 digits`},
		"no digits": {df.Select(spark.Lit(spark.Decimal("-.e1"))), `select: decimal "-.e1" has no digits`},
		"row day":   {session.CreateDataFrame([][]any{{1, spark.Date{Year: 2023, Month: 2, Day: 29}}}, "n INT, a DATE"), "row 1, column 2: 2023-02-29 is not a day that Spark has"},
		"row time":  {session.CreateDataFrame([][]any{{time.Unix(0, 0)}, {time.Unix(1<<60, 0)}}, "a TIMESTAMP"), "row 2, column 1: the time 1152921504606846976 seconds"},
		"row wall":  {session.CreateDataFrame([][]any{{spark.TimestampNTZ{}}}, "a TIMESTAMP_NTZ"), "row 1, column 1: 0000-00-00 00:00:00 is not a time that Spark has"},
		"row small": {session.CreateDataFrame([][]any{{time.Nanosecond}}, "a INTERVAL DAY TO SECOND"), "row 1, column 1: a duration of 1ns"},
		"row text":  {session.CreateDataFrame([][]any{{[]string{"a", "\xff"}}}, "a ARRAY<STRING>"), "row 1, column 1: the string"},
		"row span":  {session.CreateDataFrame([][]any{{spark.CalendarInterval{Microseconds: 1 << 60}}}, "a INTERVAL"), "row 1, column 1: an interval of 1152921504606846976 microseconds"},
		"decimals":  {session.CreateDataFrame([][]any{{spark.Decimal("1e30")}, {spark.Decimal("1e-10")}}, "a STRING"), "column 1: decimals with 31 digits before the point and with 10 after it"},
		"fit":       {session.CreateDataFrame([][]any{{spark.Decimal("1.00")}, {spark.Decimal("1.005")}}, "a DECIMAL(4,2)"), "row 2, column 1: 1.005 does not fit decimal(4,2)"},
		"map key":   {session.CreateDataFrame([][]any{{spark.Map{{Key: nil}}}}, "a MAP<STRING,INT>"), "a map's key is nil"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			actions := map[string]error{"view": c.df.CreateOrReplaceTempView(ctx, "v"), "write": c.df.Write().Save(ctx)}
			_, actions["collect"] = c.df.Collect(ctx)
			_, actions["count"] = c.df.Count(ctx)
			_, actions["schema"] = c.df.Schema(ctx)
			_, actions["explain"] = c.df.Explain(ctx, spark.ExplainSimple)
			_, actions["stream"] = c.df.WriteStream().Start(ctx)
			for action, err := range actions {
				if err == nil || !strings.Contains(err.Error(), c.expected) {
					t.Errorf("%s gave %v, expected %q", action, err, c.expected)
				}
			}
		})
	}
	if n := len(sparktest.Sent[*wire.ExecutePlanRequest](server)); n > 0 {
		t.Errorf("%d plans with mistakes were sent", n)
	}
}
