//! Customers to learn from: features, outcomes, weights.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::MineError;

/// The code of a category that is missing, or that a model does not know.
pub const UNKNOWN: u32 = u32::MAX;

/// A column of features, one value a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Numbers; what is not finite is blank.
    Number(Vec<f64>),
    /// Codes of categories; [`UNKNOWN`] is blank.
    Category(Vec<u32>),
}

impl Values {
    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Values::Number(v) => v.len(),
            Values::Category(v) => v.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Some of the rows.
    pub fn pick(&self, rows: &[usize]) -> Values {
        match self {
            Values::Number(v) => Values::Number(rows.iter().map(|r| v[*r]).collect()),
            Values::Category(v) => Values::Category(rows.iter().map(|r| v[*r]).collect()),
        }
    }

    /// The value of a row.
    pub fn at(&self, row: usize) -> Value {
        match self {
            Values::Number(v) => Value::Number(v[row]),
            Values::Category(v) => Value::Category(v[row]),
        }
    }
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A number, blank if not finite.
    Number(f64),
    /// A code, blank if [`UNKNOWN`].
    Category(u32),
}

/// What a model knows of a feature: its name, and of a category its values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// The column.
    pub name: String,
    /// The values of a category, by code, ascending; `None` for numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<String>>,
}

impl Feature {
    /// A number.
    pub fn number(name: &str) -> Feature {
        Feature { name: name.to_owned(), categories: None }
    }

    /// A category with the values that these texts have, and the texts as codes; an empty text is blank.
    pub fn category(name: &str, texts: &[&str]) -> (Feature, Values) {
        let mut known: Vec<&str> = texts.iter().copied().filter(|t| !t.is_empty()).collect();
        known.sort_unstable();
        known.dedup();
        let feature = Feature {
            name: name.to_owned(),
            categories: Some(known.into_iter().map(str::to_owned).collect()),
        };
        let (codes, _) = feature.codes(texts);
        (feature, codes)
    }

    /// Texts as codes of this feature, and how many of them it does not know.
    pub fn codes(&self, texts: &[&str]) -> (Values, usize) {
        let known = self.categories.as_deref().unwrap_or_default();
        let number: HashMap<&str, u32> =
            known.iter().enumerate().map(|(i, name)| (name.as_str(), i as u32)).collect();
        let codes: Vec<u32> = texts.iter().map(|t| number.get(t).copied().unwrap_or(UNKNOWN)).collect();
        let unseen = codes.iter().zip(texts).filter(|(c, t)| **c == UNKNOWN && !t.is_empty()).count();
        (Values::Category(codes), unseen)
    }
}

/// Rows of customers, at one or more cutoffs.
#[derive(Clone, Debug, Default)]
pub struct Examples {
    /// What each column is.
    pub features: Vec<Feature>,
    /// The columns.
    pub columns: Vec<Values>,
    /// Whether the row's customer churned.
    pub churned: Vec<bool>,
    /// The weight of each row; empty for 1 each.
    pub weights: Vec<f64>,
    /// Whose the row is: rows of one customer never stand on both sides of a fold. Empty where every row is another's.
    pub customers: Vec<u32>,
}

/// Fewest churners, and fewest others, that a model is trained or judged on.
pub const FEWEST: usize = 20;

/// Churners below which figures are noted to be shaky.
pub const FEW: usize = 50;

impl Examples {
    /// Of number columns, as tests and clusters have them.
    pub fn of_numbers(names: &[&str], columns: Vec<Vec<f64>>, churned: Vec<bool>) -> Examples {
        Examples {
            features: names.iter().map(|n| Feature::number(n)).collect(),
            columns: columns.into_iter().map(Values::Number).collect(),
            churned,
            ..Examples::default()
        }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.churned.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.churned.is_empty()
    }

    /// Rows that churned.
    pub fn churners(&self) -> usize {
        self.churned.iter().filter(|c| **c).count()
    }

    /// The weight of a row.
    pub fn weight(&self, row: usize) -> f64 {
        self.weights.get(row).copied().unwrap_or(1.0)
    }

    /// Some of the rows.
    pub fn pick(&self, rows: &[usize]) -> Examples {
        let some = |v: &Vec<u32>| rows.iter().filter_map(|r| v.get(*r).copied()).collect();
        Examples {
            features: self.features.clone(),
            columns: self.columns.iter().map(|c| c.pick(rows)).collect(),
            churned: rows.iter().map(|r| self.churned[*r]).collect(),
            weights: rows.iter().filter_map(|r| self.weights.get(*r).copied()).collect(),
            customers: some(&self.customers),
        }
    }

    /// Checks that both outcomes occur often enough.
    ///
    /// # Errors
    /// If there are fewer than [`FEWEST`] churners or others.
    pub fn check(&self, role: &str) -> Result<(), MineError> {
        let churners = self.churners();
        let stayed = self.len() - churners;
        if churners < FEWEST || stayed < FEWEST {
            return Err(MineError::data(
                format!("churn needs at least {FEWEST} customers who left and {FEWEST} who stayed {role}"),
                format!("there are {churners} and {stayed}"),
            ));
        }
        Ok(())
    }

    /// Checks that the parts fit each other.
    ///
    /// # Errors
    /// What does not.
    pub fn check_shape(&self) -> Result<(), MineError> {
        let n = self.len();
        let fits = self.columns.iter().all(|c| c.len() == n)
            && self.columns.len() == self.features.len()
            && [self.weights.len(), self.customers.len()].iter().all(|l| *l == 0 || *l == n);
        if n == 0 || !fits || u32::try_from(n).is_err() {
            return Err(MineError::defect(
                "a model needs rows, as many in every column",
                format!("there are {n}"),
            ));
        }
        if self.weights.iter().any(|w| !w.is_finite() || *w < 0.0) {
            return Err(MineError::defect("weights are numbers from 0", "one is not"));
        }
        Ok(())
    }

    /// The fold, 0 to `folds` - 1, of each row: customers are dealt out by turns, churners and others apart, in the order in which a seeded
    /// shuffle puts them, so that folds are stratified and no customer is in two.
    pub fn folds(&self, folds: usize, seed: u64) -> Vec<u8> {
        use rand::seq::SliceRandom;
        let of = |row: usize| self.customers.get(row).copied().unwrap_or(row as u32);
        let mut left: HashMap<u32, bool> = HashMap::new();
        (0..self.len()).for_each(|row| *left.entry(of(row)).or_default() |= self.churned[row]);
        let mut fold = HashMap::new();
        let mut rng: rand_xoshiro::Xoshiro256PlusPlus = rand::SeedableRng::seed_from_u64(seed);
        for churners in [true, false] {
            let mut group: Vec<u32> = left.iter().filter(|(_, l)| **l == churners).map(|(c, _)| *c).collect();
            group.sort_unstable();
            group.shuffle(&mut rng);
            fold.extend(group.into_iter().enumerate().map(|(i, c)| (c, (i % folds.max(1)) as u8)));
        }
        (0..self.len()).map(|row| fold[&of(row)]).collect()
    }
}
