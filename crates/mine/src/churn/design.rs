//! Features as numbers for models that add them up: standardised, with marks for blanks and categories.

use serde::{Deserialize, Serialize};

use super::data::{Examples, Feature, Value, Values};

/// How columns become numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Design {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Part {
    /// Blanks become the mean, and have a mark of their own where training rows had any.
    Number { mean: f64, deviation: f64, marks_blanks: bool },
    /// A mark for each value.
    Category { values: usize },
}

impl Design {
    /// Means and deviations of training rows.
    pub fn learn(examples: &Examples) -> Design {
        let part = |(feature, column): (&Feature, &Values)| match column {
            Values::Number(values) => {
                let known: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
                let mean = if known.is_empty() { 0.0 } else { crate::stats::mean(&known) };
                let spread =
                    known.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / known.len().max(1) as f64;
                let deviation = if spread > 0.0 { spread.sqrt() } else { 1.0 };
                Part::Number { mean, deviation, marks_blanks: known.len() < values.len() }
            }
            Values::Category(_) => Part::Category { values: feature.categories.as_ref().map_or(0, Vec::len) },
        };
        Design { parts: examples.features.iter().zip(&examples.columns).map(part).collect() }
    }

    /// Numbers of a row.
    pub fn width(&self) -> usize {
        let width = |part: &Part| match part {
            Part::Number { marks_blanks, .. } => 1 + usize::from(*marks_blanks),
            Part::Category { values } => *values,
        };
        self.parts.iter().map(width).sum()
    }

    /// A row as numbers.
    pub fn row(&self, columns: &[Values], row: usize) -> Vec<f64> {
        let mut numbers = Vec::with_capacity(self.width());
        for (part, column) in self.parts.iter().zip(columns) {
            match (part, column.at(row)) {
                (Part::Number { mean, deviation, marks_blanks }, Value::Number(v)) => {
                    numbers.push(if v.is_finite() { (v - mean) / deviation } else { 0.0 });
                    if *marks_blanks {
                        numbers.push(f64::from(u8::from(!v.is_finite())));
                    }
                }
                (Part::Category { values }, Value::Category(code)) => {
                    numbers.extend((0..*values).map(|v| f64::from(u8::from(v == code as usize))));
                }
                // `check` sees to it that a model is asked of the columns that it knows.
                (Part::Number { marks_blanks, .. }, _) => {
                    numbers.extend(std::iter::repeat_n(0.0, 1 + usize::from(*marks_blanks)));
                }
                (Part::Category { values }, _) => numbers.extend(std::iter::repeat_n(0.0, *values)),
            }
        }
        numbers
    }

    /// Checks a design from a file.
    pub fn check(&self, features: &[Feature]) -> Result<(), String> {
        let fits = |(part, feature): (&Part, &Feature)| match part {
            Part::Number { mean, deviation, .. } => {
                feature.categories.is_none() && mean.is_finite() && deviation.is_finite() && *deviation > 0.0
            }
            Part::Category { values } => feature.categories.as_ref().is_some_and(|c| c.len() == *values),
        };
        if self.parts.len() == features.len() && self.parts.iter().zip(features).all(fits) {
            Ok(())
        } else {
            Err("what it makes of its features does not hold together".to_owned())
        }
    }
}
