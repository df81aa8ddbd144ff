//! Next best offers: what to put before each customer.
//!
//! Three kinds of candidates, each with a score of its own:
//!
//! * *new*: products not bought yet. The score adds up, over the products in the customer's history, how alike
//!   the buyers are: `sim(i, j) = n_ij / sqrt(n_i n_j)`, the cosine of item-to-item collaborative filtering (Linden, Smith &
//!   York 2003; Deshpande & Karypis 2004), shrunk by `n_ij / (n_ij + 10)` where few bought both (Bell & Koren 2007), and
//!   weighted by how recently it was bought; to it come the confidence of the
//!   best association rule that the history fulfils, and the share of all orders that hold the product.
//! * *again*: products bought before, with a rhythm of their own, and due: a share (a quarter) of the gaps between purchases of
//!   the product by the same customer is over since the last one. The score is the share of the customer's orders with the
//!   product, drawn towards the share of its buyers who buy it again, and falls with the days since the last purchase.
//! * *up_sell*: products of the next price tier of a category (tiers are thirds of its products by unit price), scored by
//!   the share of customers of the same tier who moved up to that product.
//!
//! A score is not a probability. [`Offers::fit`] leaves out every customer's last order, builds the model from what was
//! before, and counts how often candidates of each kind and score were in the order left out: isotonic regression
//! turns scores into probabilities that the next order holds the product. By these the kinds are ranked together, and
//! the expected margin is the probability times the product's mean margin. The same comparison judges the model against
//! simple baselines: see [`judge`].

pub mod judge;
mod model;
mod rank;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use judge::{Judgement, Task};
pub use model::{How, Names, OfferRule, Offers, Product, Settings};
pub use rank::{Offer, Reason, Workspace};

/// The kind of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Not bought yet.
    New,
    /// Bought, and due again.
    Again,
    /// The next price tier of a category.
    UpSell,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 3] = [Kind::New, Kind::Again, Kind::UpSell];

    /// The name in configs and tables.
    pub fn name(self) -> &'static str {
        match self {
            Kind::New => "new",
            Kind::Again => "again",
            Kind::UpSell => "up_sell",
        }
    }
}

/// What one customer bought: each product once, with how often and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bought {
    /// The product.
    pub product: u32,
    /// Orders with it.
    pub orders: u32,
    /// Day of the first.
    pub first: i32,
    /// Day of the last.
    pub last: i32,
}

/// A customer on the day of an offer.
#[derive(Clone, Copy, Debug)]
pub struct Customer<'a> {
    /// What was bought, by product.
    pub history: &'a [Bought],
    /// Orders with a product.
    pub orders: u32,
    /// The day.
    pub today: i32,
}

/// Histories of all customers: what they bought, up to some order.
#[derive(Clone, Debug, Default)]
pub struct Histories {
    starts: Vec<usize>,
    bought: Vec<Bought>,
    orders: Vec<u32>,
}

impl Histories {
    /// A customer, by number, on a day.
    pub fn on(&self, customer: usize, today: i32) -> Customer<'_> {
        Customer { history: self.of(customer), orders: self.orders[customer], today }
    }

    /// The history of a customer, by product.
    pub fn of(&self, customer: usize) -> &[Bought] {
        &self.bought[self.starts[customer]..self.starts[customer + 1]]
    }

    /// The number of customers.
    pub fn len(&self) -> usize {
        self.orders.len()
    }

    /// Whether there are no customers.
    pub fn is_empty(&self) -> bool {
        self.orders.is_empty()
    }
}
