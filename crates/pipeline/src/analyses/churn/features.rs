//! What churn models look at: columns of a customer table, what is computed from them, and attributes of the user's own.

use std::collections::HashMap;

use tillwise_mine::churn::{Feature, Values};
use tillwise_mine::clv::{BetaGeometric, History, no_drop_out};
use tillwise_table::Table;

use crate::analyses::side;
use crate::analyses::{Context, feature};
use crate::config::is_text;
use crate::{NotDone, PipelineError};

/// The key that names the attributes.
pub const ATTRIBUTES_FILE: &str = "[churn] attributes_file";

/// A column before categories have codes.
#[derive(Clone)]
pub enum Raw {
    /// NaN for blanks.
    Number(Vec<f64>),
    /// Empty for blanks.
    Text(Vec<String>),
}

/// Columns of some rows, by name.
#[derive(Clone, Default)]
pub struct Columns(pub Vec<(String, Raw)>);

/// Attributes by customer.
#[derive(Default)]
pub struct Attributes {
    names: Vec<String>,
    rows: HashMap<String, Vec<String>>,
}

impl Attributes {
    /// Those of the config, if there are any.
    pub fn read(context: &Context<'_>) -> Result<Attributes, PipelineError> {
        let Some(path) = &context.config.churn.attributes_file else { return Ok(Attributes::default()) };
        let table = side::read(&context.base.join(path), ATTRIBUTES_FILE, None)?;
        let header = &table.headers;
        let wrong = |problem: String| PipelineError::Setting { key: ATTRIBUTES_FILE.to_owned(), problem };
        let id = header.iter().position(|h| h == "customer_id").ok_or_else(|| {
            wrong(format!("{} has no column `customer_id`, but {}", path.display(), header.join(", ")))
        })?;
        for (i, name) in header.iter().enumerate() {
            let twice = header[..i].contains(name) || crate::config::is_churn_feature(name);
            if twice {
                return Err(wrong(format!(
                    "{}: there is another column `{name}`; name it otherwise",
                    path.display()
                )));
            }
        }
        let mut attributes = Attributes { names: header.clone(), rows: HashMap::new() };
        attributes.names.remove(id);
        for (mut row, line) in table.rows.iter().cloned().zip(&table.lines) {
            let customer = row.remove(id);
            // Numbers are kept as they are written plainly.
            for cell in &mut row {
                if let Some(number) = table.number(cell).filter(|_| cell.parse::<f64>().is_err()) {
                    *cell = number.to_string();
                }
            }
            if attributes.rows.insert(customer.clone(), row).is_some() {
                return Err(wrong(format!("row {line}: the customer `{customer}` stands twice")));
            }
        }
        Ok(attributes)
    }

    /// Whether there is one of this name.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|n| n == name)
    }

    /// Columns for customers; numbers where every known value is one.
    fn of(&self, ids: &[&str]) -> Vec<(String, Raw)> {
        let number = |i: usize| {
            self.rows.values().all(|row| row[i].is_empty() || row[i].parse::<f64>().is_ok_and(f64::is_finite))
        };
        let text = |id: &str, i: usize| self.rows.get(id).map_or("", |row| row[i].as_str());
        (0..self.names.len())
            .map(|i| {
                let raw = if number(i) {
                    Raw::Number(ids.iter().map(|id| text(id, i).parse().unwrap_or(f64::NAN)).collect())
                } else {
                    Raw::Text(ids.iter().map(|id| text(id, i).to_owned()).collect())
                };
                (self.names[i].clone(), raw)
            })
            .collect()
    }
}

/// How often customers buy and drop out, up to the table's day. `None` where that cannot be fitted, or where the history holds no
/// drop-out: a model without it has the lower Schwarz's criterion, and P(alive) would say nothing of anyone.
pub fn alive(table: &Table) -> Result<Option<BetaGeometric>, PipelineError> {
    let histories = histories(table)?;
    let Ok((model, fit)) = BetaGeometric::fit(&histories, 1, true, 0.0) else { return Ok(None) };
    Ok(Some(model).filter(|_| no_drop_out(&histories, &fit).is_none()))
}

fn histories(table: &Table) -> Result<Vec<History>, PipelineError> {
    let (x, t_x, age) = (table.f64s("x")?, table.f64s("t_x_days")?, table.f64s("age_days")?);
    Ok((0..x.len()).map(|i| History { x: x[i], t_x: t_x[i] / 7.0, age: age[i] / 7.0 }).collect())
}

impl Columns {
    /// The columns of a customer table that have these names.
    pub(crate) fn of(
        table: &Table,
        names: &[String],
        attributes: &Attributes,
        alive: Option<&BetaGeometric>,
    ) -> Result<Columns, NotDone> {
        let of = |name: &str| feature(table, name);
        let ratio = |a: &str, b: &str| -> Result<Vec<f64>, PipelineError> {
            Ok(of(a)?.into_iter().zip(of(b)?).map(|(a, b)| a / b).collect())
        };
        // The last ninety days less the ninety before.
        let trend = |near: &str, far: &str| -> Result<Vec<f64>, PipelineError> {
            Ok(of(near)?.into_iter().zip(of(far)?).map(|(near, far)| 2.0 * near - far).collect())
        };
        let mut columns = Vec::new();
        for name in names {
            let raw = match name.as_str() {
                "orders_trend" => Raw::Number(trend("orders_90d", "orders_180d")?),
                "revenue_trend" => Raw::Number(trend("net_revenue_90d", "net_revenue_180d")?),
                "returns_share" => Raw::Number(ratio("returns_value", "gross_revenue")?),
                "lines_per_order" => Raw::Number(ratio("lines", "orders")?),
                "p_alive" => {
                    let nothing = || vec![f64::NAN; table.rows()];
                    let histories = histories(table)?;
                    let alive =
                        alive.map_or_else(nothing, |m| histories.iter().map(|h| m.p_alive(*h)).collect());
                    Raw::Number(alive)
                }
                text if is_text(text) => {
                    Raw::Text(table.texts(text)?.into_iter().map(str::to_owned).collect())
                }
                number => Raw::Number(of(number)?),
            };
            columns.push((name.clone(), raw));
        }
        columns.extend(attributes.of(&table.texts("customer_id")?));
        Ok(Columns(columns))
    }

    /// Some of the rows.
    pub fn pick(self, rows: &[usize]) -> Columns {
        let pick = |(name, raw)| {
            let raw = match raw {
                Raw::Number(v) => Raw::Number(rows.iter().map(|r| v[*r]).collect()),
                Raw::Text(v) => Raw::Text(rows.iter().map(|r| v[*r].clone()).collect()),
            };
            (name, raw)
        };
        Columns(self.0.into_iter().map(pick).collect())
    }

    /// Takes a column away. Whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|(own, _)| own != name);
        self.0.len() < before
    }

    /// The rows of another set below these.
    pub fn append(&mut self, other: Columns) {
        if self.0.is_empty() {
            *self = other;
            return;
        }
        for ((_, own), (_, more)) in self.0.iter_mut().zip(other.0) {
            match (own, more) {
                (Raw::Number(own), Raw::Number(more)) => own.extend(more),
                (Raw::Text(own), Raw::Text(more)) => own.extend(more),
                _ => {}
            }
        }
    }

    /// What each column is, and its values, as training rows have them.
    pub fn learn(self) -> (Vec<Feature>, Vec<Values>) {
        self.0
            .into_iter()
            .map(|(name, raw)| match raw {
                Raw::Number(v) => (Feature::number(&name), Values::Number(v)),
                Raw::Text(v) => Feature::category(&name, &v.iter().map(String::as_str).collect::<Vec<_>>()),
            })
            .unzip()
    }

    /// The values of features that a model knows, and how many categories of each it does not. A column that is missing is blank.
    pub fn encode(&self, features: &[Feature], rows: usize) -> (Vec<Values>, Vec<(String, usize)>) {
        let mut unseen = Vec::new();
        let columns = features
            .iter()
            .map(|feature| {
                let raw = self.0.iter().find(|(name, _)| *name == feature.name).map(|(_, raw)| raw);
                match (raw, feature.categories.is_some()) {
                    (Some(Raw::Number(v)), false) => Values::Number(v.clone()),
                    (Some(Raw::Text(v)), true) => {
                        let texts: Vec<&str> = v.iter().map(String::as_str).collect();
                        let (codes, unknown) = feature.codes(&texts);
                        if unknown > 0 {
                            unseen.push((feature.name.clone(), unknown));
                        }
                        codes
                    }
                    (Some(Raw::Number(v)), true) => {
                        let texts: Vec<String> = v
                            .iter()
                            .map(|v| if v.is_finite() { v.to_string() } else { String::new() })
                            .collect();
                        feature.codes(&texts.iter().map(String::as_str).collect::<Vec<_>>()).0
                    }
                    (Some(Raw::Text(v)), false) => {
                        Values::Number(v.iter().map(|t| t.parse().unwrap_or(f64::NAN)).collect())
                    }
                    (None, false) => Values::Number(vec![f64::NAN; rows]),
                    (None, true) => feature.codes(&vec![""; rows]).0,
                }
            })
            .collect();
        (columns, unseen)
    }
}
