package spark

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// Decimal is an exact decimal number as text, such as "-12.50" or "1.25e3". Spark's have at most 38 digits.
type Decimal string

// mostDigits is how many digits a decimal of Spark's has, at most.
const mostDigits = 38

var decimalText = regexp.MustCompile(`^([+-]?[0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,3}))?$`)

// number is a decimal without its point, which stands before the last scale digits.
type number struct {
	digits *big.Int
	scale  int
}

func (d Decimal) number() (number, error) {
	parts := decimalText.FindStringSubmatch(string(d))
	if parts == nil {
		return number{}, fmt.Errorf("decimal %.60q is not a number such as -12.50 or 1.25e3", string(d))
	}
	digits, ok := new(big.Int).SetString(parts[1]+parts[2], 10)
	if !ok {
		return number{}, fmt.Errorf("decimal %.60q has no digits", string(d))
	}
	exponent, _ := strconv.Atoi(parts[3])
	n := number{digits: digits, scale: len(parts[2]) - exponent}
	if n.scale < 0 {
		n, _ = n.withScale(0)
	}
	if n.wholeDigits()+n.scale > mostDigits {
		return number{}, fmt.Errorf("decimal %.60q has more than %d digits, which is the most that Spark's have", string(d), mostDigits)
	}
	return n, nil
}

// withScale is the number with scale digits after the point, and whether it is still the same number.
func (n number) withScale(scale int) (number, bool) {
	if scale >= n.scale {
		return number{new(big.Int).Mul(n.digits, powerOfTen(scale-n.scale)), scale}, true
	}
	digits, lost := new(big.Int).QuoRem(n.digits, powerOfTen(n.scale-scale), new(big.Int))
	return number{digits, scale}, lost.Sign() == 0
}

func powerOfTen(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// wholeDigits is the number of digits before the point, without a leading zero.
func (n number) wholeDigits() int {
	if n.digits.Sign() == 0 {
		return 0
	}
	return max(0, len(new(big.Int).Abs(n.digits).String())-n.scale)
}

// decimalType is the smallest type that holds the decimals of a column exactly, for a column that its schema calls something else.
// What is no decimal is left for appendCell to tell, which knows its row.
func decimalType(values []any) (arrow.DataType, error) {
	whole, scale := 0, 0
	for _, value := range values {
		if d, ok := value.(Decimal); ok {
			if n, err := d.number(); err == nil {
				whole, scale = max(whole, n.wholeDigits()), max(scale, n.scale)
			}
		}
	}
	if whole+scale > mostDigits {
		return nil, fmt.Errorf("decimals with %d digits before the point and with %d after it; Spark's decimals have at most %d in all", whole, scale, mostDigits)
	}
	return &arrow.Decimal128Type{Precision: int32(max(1, whole+scale)), Scale: int32(scale)}, nil
}

// arrow is the number in a type that holds it exactly.
func (d Decimal) arrow(kind *arrow.Decimal128Type) (decimal128.Num, error) {
	n, err := d.number()
	if err != nil {
		return decimal128.Num{}, err
	}
	n, same := n.withScale(int(kind.Scale))
	if !same || n.wholeDigits()+n.scale > int(kind.Precision) {
		return decimal128.Num{}, fmt.Errorf("%s does not fit decimal(%d,%d)", d, kind.Precision, kind.Scale)
	}
	return decimal128.FromBigInt(n.digits), nil
}
