//! Tables put together by name.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::Float64Type;
use tillwise_core::schema::Column;

use crate::{TableError, arrow_schema};

/// A table from its columns, each beside its name, in any order.
///
/// Every column of the schema must be given exactly once, with the schema's type, as many values as all others, and no
/// null where the schema has none, no NaN and no infinity. So an array cannot end up under its neighbour's name: that takes a wrong name.
///
/// # Errors
/// [`TableError::Assemble`] names the table, the column, and what is wrong with it. It is always a defect of the code that calls.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, Float64Array, StringArray};
/// use tillwise_core::schema::{Column, Kind, col};
/// use tillwise_table::assemble;
///
/// const LORENZ: &[Column] = &[
///     col("subject", Kind::Text, "customers or products"),
///     col("member_share", Kind::Float, "share of the members"),
///     col("revenue_share", Kind::Float, "their share of revenue"),
/// ];
/// let share = || Arc::new(Float64Array::from(vec![0.0, 1.0])) as ArrayRef;
/// let subject = Arc::new(StringArray::from(vec!["customers", "customers"])) as ArrayRef;
/// let table = assemble("lorenz", LORENZ, vec![
///     ("revenue_share", share()),
///     ("subject", subject.clone()),
///     ("member_share", share()),
/// ])?;
/// assert_eq!(table.num_rows(), 2);
///
/// let misspelt = assemble("lorenz", LORENZ, vec![("subject", subject), ("member_shares", share())]);
/// assert!(misspelt.unwrap_err().to_string().contains("`member_shares`"));
/// # Ok::<(), tillwise_table::TableError>(())
/// ```
pub fn assemble(
    table: &'static str,
    columns: &[Column],
    arrays: Vec<(&str, ArrayRef)>,
) -> Result<RecordBatch, TableError> {
    let wrong =
        |column: &str, problem: String| TableError::Assemble { table, column: column.to_owned(), problem };
    let schema = arrow_schema(columns);
    let rows = arrays.first().map_or(0, |(_, array)| array.len());
    let mut placed: Vec<Option<ArrayRef>> = vec![None; columns.len()];
    for (name, array) in arrays {
        let Some(at) = columns.iter().position(|c| c.name == name) else {
            return Err(wrong(name, "the schema has no such column".to_owned()));
        };
        let field = schema.field(at);
        if array.data_type() != field.data_type() {
            return Err(wrong(
                name,
                format!("it is {}, and the schema has {}", array.data_type(), field.data_type()),
            ));
        }
        if array.len() != rows {
            return Err(wrong(
                name,
                format!("it has {} values, and the first column has {rows}", array.len()),
            ));
        }
        if !field.is_nullable() && array.null_count() > 0 {
            return Err(wrong(name, format!("it has {} nulls, and the schema has none", array.null_count())));
        }
        if array.as_primitive_opt::<Float64Type>().is_some_and(|a| a.iter().flatten().any(|v| !v.is_finite()))
        {
            return Err(wrong(name, "it holds NaN or infinity; what is no number must be null".to_owned()));
        }
        if placed[at].replace(array).is_some() {
            return Err(wrong(name, "it is given twice".to_owned()));
        }
    }
    let arrays = placed
        .into_iter()
        .zip(columns)
        .map(|(array, column)| array.ok_or_else(|| wrong(column.name, "it is missing".to_owned())))
        .collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(schema, arrays).map_err(|e| wrong("", e.to_string()))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Float64Array, Int32Array, StringArray};
    use tillwise_core::schema::{Kind, col, opt};

    use super::*;

    const COX: &[Column] = &[
        col("covariate", Kind::Text, "the covariate"),
        col("coefficient", Kind::Float, "its coefficient"),
        col("hazard_ratio", Kind::Float, "its exponential"),
        opt("standard_error", Kind::Float, "of the coefficient"),
        opt("p_value", Kind::Float, "of it"),
    ];

    const LORENZ: &[Column] = &[
        col("subject", Kind::Text, "customers or products"),
        col("member_share", Kind::Float, "share of the members"),
        col("revenue_share", Kind::Float, "their share of revenue"),
    ];

    fn texts(values: &[&str]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    fn floats(values: &[f64]) -> ArrayRef {
        Arc::new(Float64Array::from(values.to_vec()))
    }

    fn problem(columns: &[Column], arrays: Vec<(&str, ArrayRef)>) -> String {
        assemble("t", columns, arrays).unwrap_err().to_string()
    }

    #[test]
    fn the_order_is_free_and_the_schema_decides() {
        let given = vec![
            ("p_value", floats(&[0.5])),
            ("covariate", texts(&["age"])),
            ("standard_error", floats(&[0.1])),
            ("hazard_ratio", floats(&[1.2])),
            ("coefficient", floats(&[0.2])),
        ];
        let table = assemble("cox", COX, given).unwrap();
        let names: Vec<String> = table.schema().fields().iter().map(|f| f.name().clone()).collect();
        assert_eq!(names, ["covariate", "coefficient", "hazard_ratio", "standard_error", "p_value"]);
        assert_eq!(table.column(2).as_ref(), floats(&[1.2]).as_ref());
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let subject = || ("subject", texts(&["a"]));
        let (member, revenue) = (|| ("member_share", floats(&[0.1])), || ("revenue_share", floats(&[0.2])));
        assert!(
            problem(LORENZ, vec![subject(), member()])
                .contains("`revenue_share` of the table t: it is missing")
        );
        assert!(problem(LORENZ, vec![subject(), member(), member(), revenue()]).contains("given twice"));
        assert!(problem(LORENZ, vec![subject(), ("share", floats(&[1.0]))]).contains("no such column"));
        let whole: ArrayRef = Arc::new(Int32Array::from(vec![1]));
        assert!(problem(LORENZ, vec![("member_share", whole)]).contains("it is Int32"));
        assert!(
            problem(LORENZ, vec![subject(), ("member_share", floats(&[0.1, 0.2]))]).contains("has 2 values")
        );
        let null: ArrayRef = Arc::new(Float64Array::from(vec![None::<f64>]));
        assert!(problem(LORENZ, vec![subject(), ("member_share", null)]).contains("has 1 nulls"));
        assert!(
            problem(LORENZ, vec![subject(), ("revenue_share", floats(&[f64::NAN])), member()])
                .contains("NaN")
        );
    }
}
