//! Survival by tenure: Kaplan-Meier curves of all and by each category, log-rank tests, and a Cox regression on everything but
//! the tenure itself.

use tillwise_mine::MineError;
use tillwise_mine::churn::survival::{Cox, LogRank, Step, Times, kaplan_meier, log_rank, median_time};
use tillwise_mine::churn::{Examples, Feature, UNKNOWN, Values};
use tillwise_mine::stats::rank_correlation;
use tillwise_report::{Cell, Section};
use tillwise_table::TableError;

use super::schema::{COX, SURVIVAL, SURVIVAL_TESTS};
use crate::analyses::{Made, counts, floats, ints, make, texts};

/// Values of a category that are compared as groups and as covariates, at most.
const MOST_GROUPS: usize = 10;

/// What was found of survival.
pub struct Survival<'a> {
    tenure: &'a str,
    times: Times<'a>,
    curves: Vec<Curve>,
    tests: Vec<Test>,
    covariates: Vec<(String, Vec<f64>)>,
    cox: Option<(Cox, Vec<String>)>,
    /// What is told of it.
    pub told: Section,
}

/// A curve of one group of a column, or of all.
struct Curve {
    by: String,
    group: Option<String>,
    steps: Vec<Step>,
}

/// The test of a column's groups.
struct Test {
    by: String,
    groups: usize,
    found: LogRank,
}

impl<'a> Survival<'a> {
    /// Nothing yet.
    pub fn new(tenure: &'a str, times: Times<'a>) -> Survival<'a> {
        Survival {
            tenure,
            times,
            curves: Vec::new(),
            tests: Vec::new(),
            covariates: Vec::new(),
            cox: None,
            told: Section::new("survival"),
        }
    }

    fn say(&mut self, key: &'static str, column: &str) {
        self.told.say(key, vec![("column", Cell::text(column))]);
    }

    /// Finds the curves, the tests and the regression.
    ///
    /// # Errors
    /// If there is no tenure above zero.
    pub fn describe(&mut self, examples: &Examples) -> Result<(), MineError> {
        let whole = kaplan_meier(self.times)?;
        let tenure = Cell::text(self.tenure);
        match median_time(&whole) {
            Some(median) => self
                .told
                .say("survival_median", vec![("tenure", tenure), ("time", Cell::text(median.to_string()))]),
            None => self.told.say("survival_no_median", vec![("tenure", tenure)]),
        }
        self.curves.push(Curve { by: "all".to_owned(), group: None, steps: whole });
        for (feature, column) in examples.features.iter().zip(&examples.columns) {
            match column {
                Values::Number(v) if feature.name != self.tenure => self.number(&feature.name, v),
                Values::Category(codes) => self.category(feature, codes)?,
                Values::Number(_) => {}
            }
        }
        self.regress();
        Ok(())
    }

    fn number(&mut self, name: &str, values: &[f64]) {
        // A blank is the mean: it says nothing.
        let known: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
        if grows_with(values, self.times.time) {
            let values = vec![("column", Cell::text(name)), ("tenure", Cell::text(self.tenure))];
            self.told.say("cox_without_growing", values);
        } else if known.iter().all(|x| *x == known[0]) {
            self.say("cox_without_constant", name);
        } else {
            let filled = values.iter().map(|v| if v.is_finite() { *v } else { mean }).collect();
            self.covariates.push((name.to_owned(), filled));
        }
    }

    /// Curves and test of a category's values, and a mark for each but the most frequent one.
    fn category(&mut self, feature: &Feature, codes: &[u32]) -> Result<(), MineError> {
        let names = feature.categories.as_deref().unwrap_or_default();
        if names.len() < 2 {
            self.say("no_curves_of_constant", &feature.name);
            return Ok(());
        }
        if names.len() > MOST_GROUPS {
            let values = vec![("column", Cell::text(&feature.name)), ("values", Cell::count(names.len()))];
            self.told.say("no_curves_of_many", values);
            return Ok(());
        }
        let rows: Vec<usize> = (0..codes.len()).filter(|i| codes[*i] != UNKNOWN).collect();
        let times = self.times;
        let of = |rows: &[usize]| -> (Vec<f64>, Vec<bool>) {
            rows.iter().map(|i| (times.time[*i], times.left[*i])).unzip()
        };
        let mut sizes = vec![0; names.len()];
        for (code, name) in names.iter().enumerate() {
            let own: Vec<usize> = rows.iter().copied().filter(|i| codes[*i] as usize == code).collect();
            sizes[code] = own.len();
            let (time, left) = of(&own);
            let steps = kaplan_meier(Times { time: &time, left: &left })?;
            self.curves.push(Curve { by: feature.name.clone(), group: Some(name.clone()), steps });
        }
        let (time, left) = of(&rows);
        let group: Vec<usize> = rows.iter().map(|i| codes[*i] as usize).collect();
        match log_rank(Times { time: &time, left: &left }, &group, names.len()) {
            Ok(found) => {
                let never: Vec<Cell> = found.never_at_risk().map(|g| Cell::text(&names[g])).collect();
                let groups = names.len() - never.len();
                if !never.is_empty() {
                    let values = vec![("column", Cell::text(&feature.name)), ("groups", Cell::List(never))];
                    self.told.say("log_rank_without", values);
                }
                self.tests.push(Test { by: feature.name.clone(), groups, found });
            }
            Err(e) => {
                let values = vec![("column", Cell::text(&feature.name)), ("why", Cell::text(e.to_string()))];
                self.told.say("no_log_rank", values);
            }
        }
        let common = (0..names.len()).max_by_key(|c| (sizes[*c], std::cmp::Reverse(*c)));
        for (code, name) in names.iter().enumerate().filter(|(c, _)| Some(*c) != common) {
            let mark = codes.iter().map(|c| f64::from(u8::from(*c as usize == code))).collect();
            self.covariates.push((format!("{} = {name}", feature.name), mark));
        }
        Ok(())
    }

    /// The regression; what follows from covariates before it is left out.
    fn regress(&mut self) {
        if !self.times.left.contains(&true) {
            self.told.say("no_cox", Vec::new());
            return;
        }
        let mut kept: Vec<usize> = Vec::new();
        let mut fitted = None;
        for i in 0..self.covariates.len() {
            kept.push(i);
            let columns: Vec<Vec<f64>> = kept.iter().map(|k| self.covariates[*k].1.clone()).collect();
            match Cox::fit(self.times, &columns) {
                Ok(cox) => fitted = Some(cox),
                Err(_) => {
                    kept.pop();
                    let name = self.covariates[i].0.clone();
                    self.say("cox_without_collinear", &name);
                }
            }
        }
        let Some(cox) = fitted else { return };
        self.told.say(
            "cox",
            vec![
                ("covariates", Cell::count(kept.len())),
                ("concordance", Cell::Number(cox.concordance.unwrap_or(f64::NAN), 3)),
                ("log_likelihood", Cell::Number(cox.log_likelihood, 2)),
                ("without", Cell::Number(cox.null_log_likelihood, 2)),
            ],
        );
        let names = kept.iter().map(|k| self.covariates[*k].0.clone()).collect();
        self.cox = Some((cox, names));
    }

    /// The tables of all that was found.
    ///
    /// # Errors
    /// If one does not fit its schema: a defect.
    pub fn tables(&self) -> Result<Vec<Made>, TableError> {
        let steps = || self.curves.iter().flat_map(|c| c.steps.iter().map(move |s| (c, s)));
        let mut tables = vec![
            make(
                &SURVIVAL,
                vec![
                    ("group_by", texts(steps().map(|(c, _)| Some(&c.by)))),
                    ("group", texts(steps().map(|(c, _)| c.group.as_deref()))),
                    ("time", floats(steps().map(|(_, s)| Some(s.time)))),
                    ("at_risk", counts(steps().map(|(_, s)| Some(s.at_risk as u64)))),
                    ("events", counts(steps().map(|(_, s)| Some(s.events as u64)))),
                    ("survival", floats(steps().map(|(_, s)| Some(s.survival)))),
                    ("standard_error", floats(steps().map(|(_, s)| Some(s.standard_error)))),
                ],
            )?,
            make(
                &SURVIVAL_TESTS,
                vec![
                    ("group_by", texts(self.tests.iter().map(|t| Some(&t.by)))),
                    ("groups", ints(self.tests.iter().map(|t| t.groups as i32))),
                    ("statistic", floats(self.tests.iter().map(|t| Some(t.found.statistic)))),
                    ("degrees", ints(self.tests.iter().map(|t| t.found.degrees as i32))),
                    ("p_value", floats(self.tests.iter().map(|t| Some(t.found.p_value)))),
                ],
            )?,
        ];
        if let Some((cox, names)) = &self.cox {
            tables.push(make(
                &COX,
                vec![
                    ("covariate", texts(names.iter().map(Some))),
                    ("coefficient", floats(cox.coefficients.iter().map(|c| Some(*c)))),
                    ("hazard_ratio", floats(cox.coefficients.iter().map(|c| Some(c.exp())))),
                    ("standard_error", floats(cox.standard_errors.iter().map(|e| Some(*e)))),
                    ("p_value", floats((0..names.len()).map(|i| Some(cox.p_value(i))))),
                ],
            )?);
        }
        Ok(tables)
    }
}

/// Whether values tell the time: their ranks go with it.
fn grows_with(values: &[f64], time: &[f64]) -> bool {
    let known = || values.iter().zip(time).filter(|(v, _)| v.is_finite());
    let (values, time): (Vec<f64>, Vec<f64>) = known().map(|(v, t)| (*v, *t)).unzip();
    rank_correlation(&values, &time) > 0.8
}
