package spark

// Row is one row of a result, or a struct inside one. Its values are, by Spark's type:
//
//	boolean bool · tinyint int8 · smallint int16 · int int32 · bigint int64 · float float32 · double float64
//	string string · binary []byte · decimal Decimal · date Date · timestamp time.Time (UTC)
//	timestamp_ntz TimestampNTZ · day-time interval and time time.Duration · year-month interval int32 (months)
//	calendar interval CalendarInterval · array []any · struct Row · map Map · variant Variant
//	geometry and geography Row (srid, wkb) · null, of any type, nil
//
// A day-time interval of more than 292 years, which a time.Duration cannot hold, is an error that names the column.
type Row struct {
	names  []string
	values []any
}

// Len is the number of columns.
func (r Row) Len() int { return len(r.values) }

// At returns the value of the i-th column, from 0.
func (r Row) At(i int) any { return r.values[i] }

// Names returns the column names; the rows of a result share them, so they must not be changed.
func (r Row) Names() []string { return r.names }

// Values returns the values in order of the columns.
func (r Row) Values() []any { return r.values }

// Get returns the value of the first column of that name, and whether there is one.
func (r Row) Get(name string) (any, bool) {
	for i, n := range r.names {
		if n == name {
			return r.values[i], true
		}
	}
	return nil, false
}

// Map is a Spark map in the order Spark holds it. A slice, because keys such as binaries and structs can't be Go's.
type Map []Entry

// Entry is one key of a Map and its value.
type Entry struct{ Key, Value any }

// Get returns the value of a key of a comparable type, and whether there is one.
func (m Map) Get(key any) (any, bool) {
	for _, entry := range m {
		switch entry.Key.(type) {
		case []byte, []any, Row, Map:
			continue
		}
		if entry.Key == key {
			return entry.Value, true
		}
	}
	return nil, false
}

// CalendarInterval is a span of time whose months and days differ in length. It is Spark's type interval; those with a
// range of units, such as interval day to second, are a time.Duration or a number of months.
type CalendarInterval struct {
	Months, Days int32
	Microseconds int64
}
