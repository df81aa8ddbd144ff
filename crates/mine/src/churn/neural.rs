//! A small neural network: one hidden layer of rectified units, for those who ask for one.
//!
//! On standardised numbers and marks ([`super::design`]). Fitted by candle (Adam with decoupled weight decay, mini-batches in a seeded order) where the
//! feature `neural` is built in; it costs about two minutes of build time, and is left out by default. A fitted network is plain
//! numbers, and scores without it.

use serde::{Deserialize, Serialize};

use super::data::{Examples, Feature, Values};
use super::design::Design;
use crate::MineError;

/// Hidden units.
const UNITS: usize = 16;

/// A fitted network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Neural {
    design: Design,
    /// Weights of each hidden unit, the bias last.
    hidden: Vec<Vec<f64>>,
    /// Weights of the hidden units in the log-odds, the bias last.
    output: Vec<f64>,
}

impl Neural {
    /// Fits a network.
    ///
    /// # Errors
    /// If the columns differ in length, or the program was built without the feature `neural`.
    #[cfg(not(feature = "neural"))]
    pub fn fit(examples: &Examples, _seed: u64) -> Result<Neural, MineError> {
        examples.check_shape()?;
        Err(MineError::data(
            "a neural network needs a program built with `--features neural`",
            "this one was built without",
        ))
    }

    /// Fits a network.
    ///
    /// # Errors
    /// If the columns differ in length, or candle fails.
    #[cfg(feature = "neural")]
    pub fn fit(examples: &Examples, seed: u64) -> Result<Neural, MineError> {
        examples.check_shape()?;
        fitted::fit(examples, seed)
            .map_err(|e| MineError::data("the neural network must be fitted", e.to_string()))
    }

    /// Probability of churn of a row.
    pub fn predict_row(&self, columns: &[Values], row: usize) -> f64 {
        let numbers = self.design.row(columns, row);
        let dot = |weights: &[f64], x: &[f64]| -> f64 {
            let bias = weights.last().copied().unwrap_or(0.0);
            weights.iter().zip(x).map(|(w, x)| w * x).sum::<f64>() + bias
        };
        let units: Vec<f64> = self.hidden.iter().map(|w| dot(w, &numbers).max(0.0)).collect();
        1.0 / (1.0 + (-dot(&self.output, &units)).exp())
    }

    /// Checks a network from a file.
    pub(super) fn check(&self, features: &[Feature]) -> Result<(), String> {
        self.design.check(features)?;
        let width = self.design.width() + 1;
        let shaped = self.hidden.len() == UNITS
            && self.output.len() == UNITS + 1
            && self.hidden.iter().all(|w| w.len() == width);
        if shaped && self.hidden.iter().flatten().chain(&self.output).all(|w| w.is_finite()) {
            Ok(())
        } else {
            Err("its neural network does not hold together".to_owned())
        }
    }
}

#[cfg(feature = "neural")]
mod fitted {
    use candle_core::{Device, Result, Tensor, Var};
    use candle_nn::{AdamW, Optimizer, ParamsAdamW};
    use rand::seq::SliceRandom;
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::{Design, Examples, Neural, UNITS};

    /// Times that every row is seen.
    const EPOCHS: usize = 20;
    /// Rows between two steps.
    const BATCH: usize = 256;

    pub fn fit(examples: &Examples, seed: u64) -> Result<Neural> {
        let (device, design) = (Device::Cpu, Design::learn(examples));
        let width = design.width();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        // He's (2015) uniform start, from our own seed.
        let mut start = |rows: usize, columns: usize| -> Result<Var> {
            let reach = (6.0 / columns.max(1) as f64).sqrt();
            let values: Vec<f64> = (0..rows * columns).map(|_| rng.gen_range(-reach..reach)).collect();
            Var::from_tensor(&Tensor::from_vec(values, (rows, columns), &device)?)
        };
        let zero = |n: usize| Var::from_tensor(&Tensor::from_vec(vec![0.0f64; n], n, &device)?);
        let (w1, w2) = (start(UNITS, width)?, start(1, UNITS)?);
        let (b1, b2) = (zero(UNITS)?, zero(1)?);
        let settings = ParamsAdamW { lr: 0.003, weight_decay: 0.01, ..ParamsAdamW::default() };
        let mut steps = AdamW::new(vec![w1.clone(), b1.clone(), w2.clone(), b2.clone()], settings)?;
        let mut order: Vec<usize> = (0..examples.len()).collect();
        for _ in 0..EPOCHS {
            order.shuffle(&mut rng);
            for rows in order.chunks(BATCH) {
                let x: Vec<f64> = rows.iter().flat_map(|r| design.row(&examples.columns, *r)).collect();
                let y: Vec<f64> = rows.iter().map(|r| f64::from(u8::from(examples.churned[*r]))).collect();
                let weight: Vec<f64> = rows.iter().map(|r| examples.weight(*r)).collect();
                let x = Tensor::from_vec(x, (rows.len(), width), &device)?;
                let (y, weight) = (
                    Tensor::from_vec(y, rows.len(), &device)?,
                    Tensor::from_vec(weight, rows.len(), &device)?,
                );
                let hidden = x.matmul(&w1.t()?)?.broadcast_add(&b1)?.relu()?;
                let z = hidden.matmul(&w2.t()?)?.broadcast_add(&b2)?.squeeze(1)?;
                // ln(1 + e^z) - y z, without overflow.
                let soft = (z.relu()? + (z.abs()?.neg()?.exp()? + 1.0)?.log()?)?;
                let loss = ((soft - (y * &z)?)? * weight)?.mean_all()?;
                steps.backward_step(&loss)?;
            }
        }
        let with_bias = |w: &Var, b: &Var| -> Result<Vec<Vec<f64>>> {
            let (w, b) = (w.to_vec2::<f64>()?, b.to_vec1::<f64>()?);
            Ok(w.into_iter()
                .zip(b)
                .map(|(mut w, b)| {
                    w.push(b);
                    w
                })
                .collect())
        };
        let output = with_bias(&w2, &b2)?.into_iter().next().unwrap_or_default();
        Ok(Neural { design, hidden: with_bias(&w1, &b1)?, output })
    }
}

#[cfg(all(test, feature = "neural"))]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::Neural;
    use crate::churn::metrics::{auc, judge};
    use crate::churn::{Examples, Kind, ModelSettings, Scorer};

    /// Churn where two numbers agree in sign: no straight line tells it.
    fn examples(n: usize, seed: u64) -> Examples {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let a: Vec<f64> = (0..n).map(|_| rng.gen_range(-1.0..1.0)).collect();
        let b: Vec<f64> = (0..n).map(|_| rng.gen_range(-1.0..1.0)).collect();
        let churned = (0..n).map(|i| rng.gen_bool(if a[i] * b[i] > 0.0 { 0.9 } else { 0.1 })).collect();
        Examples::of_numbers(&["a", "b"], vec![a, b], churned)
    }

    #[test]
    fn a_network_learns_what_no_line_can() {
        let (train, test) = (examples(4000, 1), examples(4000, 2));
        let p =
            Scorer::fit(Kind::Neural, &train, &ModelSettings::default(), 7).unwrap().predict(&test.columns);
        let line =
            Scorer::fit(Kind::Logistic, &train, &ModelSettings::default(), 7).unwrap().predict(&test.columns);
        // 0.9 for those who know the truth.
        assert!(auc(&p, &test.churned).unwrap() > 0.87 && auc(&line, &test.churned).unwrap() < 0.6);
        let j = judge(&p, &test.churned);
        assert!((j.mean_probability - j.churn_rate).abs() < 0.02);
    }

    #[test]
    fn the_same_seed_gives_the_same_bits_on_any_number_of_threads() {
        let e = examples(1500, 3);
        let fit = || Neural::fit(&e, 5).unwrap();
        let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        let one = pool(1).install(fit);
        assert!(one == pool(4).install(fit) && one.check(&e.features).is_ok());
        let text = serde_json::to_string(&one).unwrap();
        assert!(serde_json::from_str::<Neural>(&text).unwrap() == one);
    }
}
