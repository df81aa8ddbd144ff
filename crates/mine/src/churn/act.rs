//! What to do about it: from probabilities to offers that pay.
//!
//! An offer to a customer costs `offer_cost`; of customers who would have left, a share `response_rate` stays, and keeps the shop a share
//! `value_saved` of the customer's value. So an offer is worth `p * response_rate * value_saved * value - offer_cost` on average (Verbeke,
//! Dejaeger, Martens, Hur & Baesens 2012, for one response rate).

use serde::{Deserialize, Serialize};
use tillwise_core::settings;

settings! {
    /// What an offer costs and brings.
    #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct OfferTerms {
        /// Cost of an offer, whoever takes it.
        pub offer_cost: f64 = 1.0,
        /// Share of those about to leave whom an offer keeps.
        pub response_rate: f64 = 0.1,
        /// Share of a customer's value that is saved with the customer.
        pub value_saved: f64 = 0.3,
    }
}

impl OfferTerms {
    /// Expected profit of an offer.
    pub fn profit(&self, probability: f64, value: f64) -> f64 {
        probability * self.response_rate * self.value_saved * value.max(0.0) - self.offer_cost
    }
}

/// The probability from which offers bring the highest profit on judged rows, each with the value of its customer, and that profit. Where
/// no offer pays, 1 and 0. Of thresholds that are as good the highest wins.
pub fn best_threshold(
    probabilities: &[f64],
    churned: &[bool],
    values: &[f64],
    terms: &OfferTerms,
) -> (f64, f64) {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_unstable_by(|a, b| probabilities[*b].total_cmp(&probabilities[*a]));
    let (mut best, mut profit) = ((1.0, 0.0), 0.0);
    for equal in order.chunk_by(|a, b| probabilities[*a] == probabilities[*b]) {
        let mut sorted = equal.to_vec();
        sorted.sort_unstable();
        // What happened is known here: who stayed anyway is only a cost.
        profit +=
            sorted.iter().map(|i| terms.profit(f64::from(u8::from(churned[*i])), values[*i])).sum::<f64>();
        if profit > best.1 + 1e-9 {
            best = (probabilities[equal[0]], profit);
        }
    }
    best
}

/// Customers whose expected profit is above zero, the largest first, as far as the budget reaches.
pub fn targets(
    probabilities: &[f64],
    values: &[f64],
    terms: &OfferTerms,
    budget: Option<f64>,
) -> Vec<(usize, f64)> {
    let mut worth: Vec<(usize, f64)> = probabilities
        .iter()
        .zip(values)
        .enumerate()
        .map(|(i, (p, v))| (i, terms.profit(*p, *v)))
        .filter(|(_, profit)| *profit > 0.0)
        .collect();
    worth.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    if let Some(budget) = budget
        && terms.offer_cost > 0.0
    {
        worth.truncate((budget / terms.offer_cost + 1e-9).floor().max(0.0) as usize);
    }
    worth
}
