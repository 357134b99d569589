package spark

import "realtime-election/spark/wire"

// Select makes the columns the result.
func (df *DataFrame) Select(columns ...Column) *DataFrame {
	list, err := expressions(columns)
	return df.then("select", &wire.Relation{RelType: &wire.Relation_Project{Project: &wire.Project{Input: df.relation, Expressions: list}}}, err)
}

// SelectExpr is Select of SQL expressions, such as "id", "upper(name) AS name".
func (df *DataFrame) SelectExpr(sql ...string) *DataFrame {
	columns := make([]Column, len(sql))
	for i, text := range sql {
		columns[i] = Expr(text)
	}
	return df.Select(columns...)
}

// WithColumn adds a column, or replaces the one of that name.
func (df *DataFrame) WithColumn(name string, c Column) *DataFrame {
	e, err := c.checked()
	return df.then("add column "+name, &wire.Relation{RelType: &wire.Relation_WithColumns{WithColumns: &wire.WithColumns{
		Input: df.relation, Aliases: []*wire.Expression_Alias{alias(e, name)},
	}}}, err)
}

// WithColumnRenamed renames a column; without one of that name nothing happens.
func (df *DataFrame) WithColumnRenamed(name, to string) *DataFrame {
	return df.then("rename", &wire.Relation{RelType: &wire.Relation_WithColumnsRenamed{WithColumnsRenamed: &wire.WithColumnsRenamed{
		Input: df.relation, Renames: []*wire.WithColumnsRenamed_Rename{{ColName: name, NewColName: to}},
	}}}, nil)
}

// Drop leaves columns out; those that are not there are no mistake.
func (df *DataFrame) Drop(names ...string) *DataFrame {
	return df.then("drop", &wire.Relation{RelType: &wire.Relation_Drop{Drop: &wire.Drop{Input: df.relation, ColumnNames: names}}}, nil)
}

// ToDF names all columns anew, in order.
func (df *DataFrame) ToDF(names ...string) *DataFrame {
	return df.then("rename", &wire.Relation{RelType: &wire.Relation_ToDf{ToDf: &wire.ToDF{Input: df.relation, ColumnNames: names}}}, nil)
}
