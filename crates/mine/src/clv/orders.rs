//! The models of orders under one roof: which there are, how one is chosen, fitted, asked and kept.

use serde::{Deserialize, Serialize};

use super::History;
use super::beta_bernoulli::BetaBernoulli;
use super::beta_geometric::{BetaGeometric, MOST_REGULAR};
use super::covariates::{Known, WithCovariates};
use super::future::Future;
use super::lifetime::{GGompertzNbd, ParetoNbd};
use super::likelihood::{Fit, Likelihood};
use super::nbd::Nbd;
use super::optimize::LOG_BOUND;
use crate::MineError;

/// The models of orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// No drop-out: [`super::nbd`].
    Nbd,
    /// Drop-out after repeat orders: [`super::beta_geometric`].
    #[default]
    BgNbd,
    /// Drop-out after any order.
    MbgNbd,
    /// BG/NBD with regular buying; `k` of greatest likelihood.
    BgCnbdK,
    /// MBG/NBD with regular buying.
    MbgCnbdK,
    /// Drop-out at any time: [`super::lifetime`].
    ParetoNbd,
    /// The same, with a hazard that grows.
    GgompertzNbd,
    /// Occasions instead of time: [`super::beta_bernoulli`].
    BgBb,
}

impl Model {
    /// All that tell histories in time, in the order in which equals are preferred.
    pub const IN_TIME: [Model; 7] = [
        Model::BgNbd,
        Model::MbgNbd,
        Model::ParetoNbd,
        Model::Nbd,
        Model::BgCnbdK,
        Model::MbgCnbdK,
        Model::GgompertzNbd,
    ];

    /// The name in configs and tables.
    pub fn name(self) -> &'static str {
        match self {
            Model::Nbd => "nbd",
            Model::BgNbd => "bg_nbd",
            Model::MbgNbd => "mbg_nbd",
            Model::BgCnbdK => "bg_cnbd_k",
            Model::MbgCnbdK => "mbg_cnbd_k",
            Model::ParetoNbd => "pareto_nbd",
            Model::GgompertzNbd => "ggompertz_nbd",
            Model::BgBb => "bg_bb",
        }
    }

    /// Fits by maximum likelihood. `sum_ln_gaps` is the sum of the logarithms of all times between orders, in the
    /// histories' unit; it lets models of different regularity be compared.
    ///
    /// # Errors
    /// If the histories cannot carry the model, or the fit does not converge.
    pub fn fit(self, histories: &[History], sum_ln_gaps: f64) -> Result<(Orders, Fit), MineError> {
        Ok(match self {
            Model::Nbd => wrap(Nbd::fit(histories)?, Orders::Nbd),
            Model::BgNbd => wrap(BetaGeometric::fit(histories, 1, false, 0.0)?, Orders::BetaGeometric),
            Model::MbgNbd => wrap(BetaGeometric::fit(histories, 1, true, 0.0)?, Orders::BetaGeometric),
            Model::BgCnbdK => {
                wrap(BetaGeometric::fit_regularity(histories, false, sum_ln_gaps)?, Orders::BetaGeometric)
            }
            Model::MbgCnbdK => {
                wrap(BetaGeometric::fit_regularity(histories, true, sum_ln_gaps)?, Orders::BetaGeometric)
            }
            Model::ParetoNbd => wrap(ParetoNbd::fit(histories)?, Orders::ParetoNbd),
            Model::GgompertzNbd => wrap(GGompertzNbd::fit(histories)?, Orders::GgompertzNbd),
            Model::BgBb => wrap(BetaBernoulli::fit(histories)?, Orders::BetaBernoulli),
        })
    }

    /// Fits with static covariates: BG/NBD and Pareto/NBD.
    ///
    /// # Errors
    /// If the model has no covariates, or as [`WithCovariates::fit`].
    pub fn fit_with_covariates(
        self,
        histories: &[History],
        known: &[Known],
        names: (&[String], &[String]),
        l2: f64,
    ) -> Result<(Orders, Fit), MineError> {
        Ok(match self {
            Model::BgNbd => {
                let template = BetaGeometric::bg_nbd(1.0, 1.0, 1.0, 1.0);
                let fit = WithCovariates::fit(&template, histories, known, names, l2)?;
                wrap(fit, Orders::BetaGeometricCovariates)
            }
            Model::ParetoNbd => {
                let template = ParetoNbd { r: 1.0, alpha: 1.0, s: 1.0, beta: 1.0 };
                let fit = WithCovariates::fit(&template, histories, known, names, l2)?;
                wrap(fit, Orders::ParetoNbdCovariates)
            }
            other => {
                return Err(MineError::parameter(
                    "model",
                    "bg_nbd or pareto_nbd where there are covariates",
                    other.name(),
                ));
            }
        })
    }
}

fn wrap<M>((model, fit): (M, Fit), into: impl FnOnce(M) -> Orders) -> (Orders, Fit) {
    (into(model), fit)
}

/// Parameters that are times, or rates: what they are in numbers depends on the unit of time.
const TIMES: [&str; 3] = ["alpha", "beta", "b"];
/// The logarithm of how much longer or shorter than a fit's own unit of time the unit of a model may be.
const MOST_LOG_TIME: f64 = 12.0;

/// A fitted model of orders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "family", rename_all = "snake_case")]
pub enum Orders {
    /// NBD.
    Nbd(Nbd),
    /// BG/NBD, MBG/NBD, and both with regular buying.
    BetaGeometric(BetaGeometric),
    /// Pareto/NBD.
    ParetoNbd(ParetoNbd),
    /// GGompertz/NBD.
    GgompertzNbd(GGompertzNbd),
    /// BG/BB.
    BetaBernoulli(BetaBernoulli),
    /// BG/NBD with covariates.
    BetaGeometricCovariates(WithCovariates<BetaGeometric>),
    /// Pareto/NBD with covariates.
    ParetoNbdCovariates(WithCovariates<ParetoNbd>),
}

impl Orders {
    /// Asks about a customer: `ask` is given P(alive) and the future of the customer if alive. `known` counts for
    /// models with covariates only.
    pub fn ask<T>(&self, h: History, known: &Known, ask: impl FnOnce(f64, &dyn Future) -> T) -> T {
        match self {
            Orders::Nbd(m) => ask(1.0, &m.future(h)),
            Orders::BetaGeometric(m) => ask(m.p_alive(h), &m.future(h)),
            Orders::ParetoNbd(m) => ask(m.p_alive(h), &m.future(h)),
            Orders::GgompertzNbd(m) => ask(m.p_alive(h), &m.future(h)),
            Orders::BetaBernoulli(m) => ask(m.p_alive(h), &m.future(h)),
            Orders::BetaGeometricCovariates(m) => {
                let m = m.of(known);
                ask(m.p_alive(h), &m.future(h))
            }
            Orders::ParetoNbdCovariates(m) => {
                let m = m.of(known);
                ask(m.p_alive(h), &m.future(h))
            }
        }
    }

    /// P(alive) alone, for customers whose future is known already.
    pub(super) fn p_alive_of(&self, h: History, known: &Known) -> f64 {
        match self {
            Orders::Nbd(_) => 1.0,
            Orders::BetaGeometric(m) => m.p_alive(h),
            Orders::ParetoNbd(m) => m.p_alive(h),
            Orders::GgompertzNbd(m) => m.p_alive(h),
            Orders::BetaBernoulli(m) => m.p_alive(h),
            Orders::BetaGeometricCovariates(m) => m.of(known).p_alive(h),
            Orders::ParetoNbdCovariates(m) => m.of(known).p_alive(h),
        }
    }

    /// Whether living customers with equal `x` and age have the same future, whatever their `t_x`: only regular buyers are
    /// due again the more, the longer ago the last order was.
    pub(super) fn future_ignores_t_x(&self) -> bool {
        !matches!(self, Orders::BetaGeometric(m) if m.k > 1)
    }

    /// The probability that a customer is alive at the end of observation.
    pub fn p_alive(&self, h: History) -> f64 {
        self.p_alive_of(h, &Known::default())
    }

    /// Expected orders within the next `t`.
    pub fn expected_orders(&self, h: History, t: f64) -> f64 {
        self.ask(h, &Known::default(), |alive, future| alive * future.expected_orders(t))
    }

    /// Expected orders between `from` and `to` ahead.
    pub fn expected_orders_between(&self, h: History, from: f64, to: f64) -> f64 {
        self.ask(h, &Known::default(), |alive, future| {
            alive * (future.expected_orders(to) - future.expected_orders(from)).max(0.0)
        })
    }

    /// The probability of being alive `t` ahead.
    pub fn p_alive_at(&self, h: History, t: f64) -> f64 {
        self.ask(h, &Known::default(), |alive, future| alive * future.p_alive(t))
    }

    /// The probability of no order within the next `t`.
    pub fn p_no_order(&self, h: History, t: f64) -> f64 {
        self.ask(h, &Known::default(), |alive, future| 1.0 - alive + alive * future.p_no_order(t))
    }

    /// Probabilities of `0, 1, ..., most` orders within the next `t`.
    pub fn distribution(&self, h: History, t: f64, most: usize) -> Vec<f64> {
        self.ask(h, &Known::default(), |alive, future| mixed(alive, future.distribution(t, most)))
    }

    /// Expected orders within `horizon`, discounted continuously at `delta` per time unit.
    pub fn discounted_orders(&self, h: History, horizon: f64, delta: f64) -> f64 {
        self.ask(h, &Known::default(), |alive, future| alive * future.discounted_orders(horizon, delta))
    }

    /// Expected orders for ever, discounted: DERT. Infinite where they do not converge.
    pub fn residual_orders(&self, h: History, delta: f64) -> f64 {
        self.ask(h, &Known::default(), |alive, future| times(alive, future.residual_orders(delta)))
    }

    /// Expected repeat orders of a new customer within `t` of the first order.
    pub fn expected_orders_of_new_customer(&self, t: f64) -> f64 {
        self.expected_orders(History::NEW, t)
    }

    /// The model's time unit must be whole occasions.
    pub fn counts_occasions(&self) -> bool {
        matches!(self, Orders::BetaBernoulli(_))
    }

    /// The model's name in configs and tables.
    pub fn model(&self) -> Model {
        match self {
            Orders::Nbd(_) => Model::Nbd,
            Orders::BetaGeometric(m) => match (m.k, m.drop_at_once) {
                (1, false) => Model::BgNbd,
                (1, true) => Model::MbgNbd,
                (_, false) => Model::BgCnbdK,
                (_, true) => Model::MbgCnbdK,
            },
            Orders::ParetoNbd(_) | Orders::ParetoNbdCovariates(_) => Model::ParetoNbd,
            Orders::GgompertzNbd(_) => Model::GgompertzNbd,
            Orders::BetaBernoulli(_) => Model::BgBb,
            Orders::BetaGeometricCovariates(_) => Model::BgNbd,
        }
    }

    /// The parameters as they are optimised: logs, then coefficients.
    fn free(&self) -> Vec<f64> {
        let logs = |values: Vec<f64>| values.into_iter().map(f64::ln).collect::<Vec<_>>();
        let with = |base: Vec<f64>, coefficients: &[Vec<f64>]| {
            let mut all = logs(base);
            all.extend(coefficients.iter().flatten());
            all
        };
        match self {
            Orders::Nbd(m) => logs(m.values()),
            Orders::BetaGeometric(m) => logs(m.values()),
            Orders::ParetoNbd(m) => logs(m.values()),
            Orders::GgompertzNbd(m) => logs(m.values()),
            Orders::BetaBernoulli(m) => logs(m.values()),
            Orders::BetaGeometricCovariates(m) => with(m.base.values(), &m.coefficients),
            Orders::ParetoNbdCovariates(m) => with(m.base.values(), &m.coefficients),
        }
    }

    /// The model with its free parameters moved by `step`.
    pub(super) fn moved(&self, step: &[f64]) -> Orders {
        let at: Vec<f64> = self.free().iter().zip(step).map(|(p, s)| p + s).collect();
        fn coefficients<M: Likelihood>(m: &WithCovariates<M>, at: &[f64]) -> WithCovariates<M> {
            let mut from = M::NAMES.len();
            let split = m.coefficients.iter().map(|c| {
                let part = at[from..from + c.len()].to_vec();
                from += c.len();
                part
            });
            let split = split.collect();
            WithCovariates { base: m.base.at(at), coefficients: split }
        }
        match self {
            Orders::Nbd(m) => Orders::Nbd(m.at(&at)),
            Orders::BetaGeometric(m) => Orders::BetaGeometric(m.at(&at)),
            Orders::ParetoNbd(m) => Orders::ParetoNbd(Likelihood::at(m, &at)),
            Orders::GgompertzNbd(m) => Orders::GgompertzNbd(Likelihood::at(m, &at)),
            Orders::BetaBernoulli(m) => Orders::BetaBernoulli(m.at(&at)),
            Orders::BetaGeometricCovariates(m) => Orders::BetaGeometricCovariates(coefficients(m, &at)),
            Orders::ParetoNbdCovariates(m) => Orders::ParetoNbdCovariates(coefficients(m, &at)),
        }
    }

    /// The names of the parameters, as [`Orders::free`] has them.
    fn names(&self) -> &'static [&'static str] {
        match self {
            Orders::Nbd(_) => Nbd::NAMES,
            Orders::BetaGeometric(_) | Orders::BetaGeometricCovariates(_) => BetaGeometric::NAMES,
            Orders::ParetoNbd(_) | Orders::ParetoNbdCovariates(_) => ParetoNbd::NAMES,
            Orders::GgompertzNbd(_) => GGompertzNbd::NAMES,
            Orders::BetaBernoulli(_) => BetaBernoulli::NAMES,
        }
    }

    /// How many parameters are free.
    pub(super) fn free_parameters(&self) -> usize {
        self.free().len()
    }

    /// Checks numbers that come from a file, for so many covariates of the purchase and of the drop-out side.
    pub(super) fn check(&self, known: (usize, usize)) -> Result<(), String> {
        let names = self.names();
        for (i, value) in self.free().iter().enumerate() {
            // Coefficients of covariates come after the parameters.
            let name = names.get(i).copied().unwrap_or("a coefficient");
            let most = if TIMES.contains(&name) { LOG_BOUND + MOST_LOG_TIME } else { LOG_BOUND };
            if value.is_nan() || value.abs() > most {
                return Err(format!("{name} of {} is beyond what a fit gives", self.model().name()));
            }
        }
        let sides: &[usize] = match self {
            Orders::BetaGeometric(m) if !(1..=MOST_REGULAR).contains(&m.k) => {
                return Err(format!("k = {} is not within 1 to {MOST_REGULAR}", m.k));
            }
            Orders::BetaGeometricCovariates(m) if m.base.k != 1 || m.base.drop_at_once => {
                return Err("covariates are for k = 1 and drop_at_once = false".to_owned());
            }
            Orders::BetaGeometricCovariates(_) => &[known.0, known.1, known.1],
            Orders::ParetoNbdCovariates(_) => &[known.0, known.1],
            _ => return Ok(()),
        };
        let coefficients = match self {
            Orders::BetaGeometricCovariates(m) => &m.coefficients,
            Orders::ParetoNbdCovariates(m) => &m.coefficients,
            _ => return Ok(()),
        };
        if coefficients.iter().map(Vec::len).ne(sides.iter().copied()) {
            return Err("there must be a coefficient for each covariate of each side".to_owned());
        }
        Ok(())
    }

    /// Whether customers differ in what is known of them.
    pub fn has_covariates(&self) -> bool {
        matches!(self, Orders::BetaGeometricCovariates(_) | Orders::ParetoNbdCovariates(_))
    }
}

/// Counts of someone who is alive with a probability.
pub(super) fn mixed(alive: f64, mut p: Vec<f64>) -> Vec<f64> {
    p.iter_mut().for_each(|p| *p *= alive);
    p[0] += 1.0 - alive;
    p
}

/// Zero times infinity is zero here: nobody is there to order.
pub(super) fn times(alive: f64, orders: f64) -> f64 {
    if alive == 0.0 { 0.0 } else { alive * orders }
}
