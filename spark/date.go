package spark

import (
	"fmt"
	"time"
)

// Date is a day without a time of day or a zone.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// String writes the date as 2006-01-02, and a year of more than four digits with its sign.
func (d Date) String() string {
	sign, year := "", d.Year
	switch {
	case year < 0:
		sign, year = "-", -year
	case year > 9999:
		sign = "+"
	}
	return fmt.Sprintf("%s%04d-%02d-%02d", sign, year, d.Month, d.Day)
}

// days is the number of days since 1970.
func (d Date) days() (int32, error) {
	days := int32(time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC).Unix() / 86400)
	if dateOf(days) != d {
		return 0, fmt.Errorf("%s is not a day that Spark has", d)
	}
	return days, nil
}

func dateOf(days int32) Date {
	year, month, day := time.Unix(int64(days)*86400, 0).UTC().Date()
	return Date{Year: year, Month: month, Day: day}
}
