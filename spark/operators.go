package spark

// Eq is true where both are equal, null where one is null.
func (c Column) Eq(other any) Column { return c.binary("==", other) }

// EqNullSafe is true where both are equal or both null, and false, never null, where they are not.
func (c Column) EqNullSafe(other any) Column { return c.binary("<=>", other) }

// Ne is true where both differ, null where one is null.
func (c Column) Ne(other any) Column { return c.Eq(other).Not() }

// Lt is true where the column is less than the other.
func (c Column) Lt(other any) Column { return c.binary("<", other) }

// Le is true where the column is at most the other.
func (c Column) Le(other any) Column { return c.binary("<=", other) }

// Gt is true where the column is greater than the other.
func (c Column) Gt(other any) Column { return c.binary(">", other) }

// Ge is true where the column is at least the other.
func (c Column) Ge(other any) Column { return c.binary(">=", other) }

// Between is true where the column is at least low and at most high.
func (c Column) Between(low, high any) Column { return c.Ge(low).And(c.Le(high)) }

// Plus adds.
func (c Column) Plus(other any) Column { return c.binary("+", other) }

// Minus subtracts the other.
func (c Column) Minus(other any) Column { return c.binary("-", other) }

// Multiply multiplies.
func (c Column) Multiply(other any) Column { return c.binary("*", other) }

// Divide divides by the other; two integers give a double.
func (c Column) Divide(other any) Column { return c.binary("/", other) }

// Mod is the remainder of the division by the other, with the sign of the column.
func (c Column) Mod(other any) Column { return c.binary("%", other) }

// And is true where both are.
func (c Column) And(other any) Column { return c.binary("and", other) }

// Or is true where one is.
func (c Column) Or(other any) Column { return c.binary("or", other) }

// Not is true where the column is false, null where it is null.
func (c Column) Not() Column { return function("not", c) }

// IsNull is true where the column is null.
func (c Column) IsNull() Column { return function("isNull", c) }

// IsNotNull is true where the column has a value.
func (c Column) IsNotNull() Column { return function("isNotNull", c) }

// IsIn is true where the column equals one of the values.
func (c Column) IsIn(values ...any) Column {
	return function("in", append([]Column{c}, literals(values)...)...)
}

// Like matches the whole text against a SQL pattern: % is any text, _ any character.
func (c Column) Like(pattern string) Column { return c.binary("like", pattern) }

// ILike is Like, capitals being as good as small letters.
func (c Column) ILike(pattern string) Column { return c.binary("ilike", pattern) }

// RLike finds a Java regular expression in the text.
func (c Column) RLike(pattern string) Column { return c.binary("rlike", pattern) }

// Contains is true where the other is part of the text.
func (c Column) Contains(other any) Column { return c.binary("contains", other) }

// StartsWith is true where the text starts with the other.
func (c Column) StartsWith(other any) Column { return c.binary("startswith", other) }

// EndsWith is true where the text ends with the other.
func (c Column) EndsWith(other any) Column { return c.binary("endswith", other) }

func (c Column) binary(operator string, other any) Column { return function(operator, c, Lit(other)) }
