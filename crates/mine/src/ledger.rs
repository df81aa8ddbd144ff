//! Orders and what is in them, as an engine hands them on: what baskets, offers, cohorts and value are computed from.

use tillwise_core::Day;

use crate::MineError;

/// Columns of [`tillwise_core::schema::ORDERS`] and [`tillwise_core::schema::PURCHASES`], borrowed.
///
/// Orders are sorted by customer and moment, purchases by order and product. Money and units are whole ten-thousandths.
#[derive(Clone, Copy, Debug)]
pub struct Ledger<'a> {
    /// Customers, numbered from 0.
    pub customers: usize,
    /// Products, numbered from 0.
    pub products: usize,
    /// Whose each order is.
    pub order_customer: &'a [i32],
    /// Days since 1970-01-01.
    pub order_day: &'a [i32],
    /// Lines of each order that are no returns; an order without any is a credit note.
    pub order_sales: &'a [i32],
    /// The order of each purchase.
    pub order: &'a [i32],
    /// The product of each purchase, -1 without one.
    pub product: &'a [i32],
    /// Lines of each purchase that are no returns.
    pub sales: &'a [i32],
    /// Units bought.
    pub units_e4: &'a [i64],
    /// Money of the sales.
    pub gross_e4: &'a [i64],
    /// Money taken back, positive.
    pub returned_e4: &'a [i64],
    /// Cost of the units bought.
    pub cost_e4: &'a [i64],
    /// Cost of the units taken back, positive.
    pub returned_cost_e4: &'a [i64],
    /// Lines without a cost.
    pub uncosted: &'a [i32],
    /// Whether money taken back is subtracted.
    pub net_returns: bool,
}

impl Ledger<'_> {
    /// Checks lengths, numbers and order, so that nothing after it can fail.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), MineError> {
        let wrong = |what: &str| Err(MineError::defect("orders and purchases must fit each other", what));
        let (orders, rows) = (self.order_customer.len(), self.order.len());
        if [self.order_day.len(), self.order_sales.len()].iter().any(|n| *n != orders) {
            return wrong("columns of orders differ in length");
        }
        let wide = [self.product.len(), self.sales.len(), self.uncosted.len()];
        let money = [self.units_e4, self.gross_e4, self.returned_e4, self.cost_e4, self.returned_cost_e4]
            .map(<[i64]>::len);
        if wide.iter().chain(&money).any(|n| *n != rows) {
            return wrong("columns of purchases differ in length");
        }
        let within = |values: &[i32], least: i32, n: usize| {
            values.iter().all(|v| *v >= least && i64::from(*v) < n as i64)
        };
        if !within(self.order_customer, 0, self.customers) || !self.order_customer.is_sorted() {
            return wrong("orders are not sorted by customer");
        }
        if !within(self.order, 0, orders) || !self.order.is_sorted() {
            return wrong("purchases are not sorted by order");
        }
        if !within(self.product, -1, self.products) {
            return wrong("a product has no name");
        }
        Ok(())
    }

    /// Whether a product was bought in an order: there is a sale, and not all of its money was taken back in the same order.
    pub fn is_bought(&self, row: usize) -> bool {
        self.sales[row] > 0 && (self.returned_e4[row] == 0 || self.returned_e4[row] < self.gross_e4[row])
    }

    /// Money of a purchase, less what was taken back if that counts.
    pub fn net_e4(&self, row: usize) -> i64 {
        self.gross_e4[row] - if self.net_returns { self.returned_e4[row] } else { 0 }
    }

    /// Cost of what that money is for.
    pub fn net_cost_e4(&self, row: usize) -> i64 {
        self.cost_e4[row] - if self.net_returns { self.returned_cost_e4[row] } else { 0 }
    }

    /// The customer of a purchase.
    pub fn customer(&self, row: usize) -> usize {
        self.order_customer[self.order[row] as usize] as usize
    }

    /// The day of a purchase's order.
    pub fn day(&self, row: usize) -> Day {
        Day(self.order_day[self.order[row] as usize])
    }

    /// The product of a purchase, if it has one.
    pub fn product(&self, row: usize) -> Option<usize> {
        usize::try_from(self.product[row]).ok()
    }

    /// Net money by customer.
    pub fn by_customer(&self) -> Vec<i128> {
        let mut sums = vec![0; self.customers];
        (0..self.order.len()).for_each(|row| sums[self.customer(row)] += i128::from(self.net_e4(row)));
        sums
    }

    /// Net money by product.
    pub fn by_product(&self) -> Vec<i128> {
        let mut sums = vec![0; self.products];
        for row in 0..self.order.len() {
            if let Some(product) = self.product(row) {
                sums[product] += i128::from(self.net_e4(row));
            }
        }
        sums
    }
}

/// A ledger of its own, for tests and for callers without tables.
#[derive(Clone, Debug, Default)]
pub struct OwnedLedger {
    /// See [`Ledger::customers`].
    pub customers: usize,
    /// See [`Ledger::products`].
    pub products: usize,
    orders: [Vec<i32>; 3],
    rows: [Vec<i32>; 4],
    money: [Vec<i64>; 5],
}

/// One line to make a ledger from.
#[derive(Clone, Copy, Debug)]
pub struct LedgerLine {
    /// The customer.
    pub customer: i32,
    /// The day.
    pub day: i32,
    /// The order, any number that is its own within the customer and day.
    pub order: i32,
    /// The product, -1 without one.
    pub product: i32,
    /// Units, in ten-thousandths.
    pub units_e4: i64,
    /// Money, in ten-thousandths; negative for a return.
    pub money_e4: i64,
    /// Cost, in ten-thousandths.
    pub cost_e4: Option<i64>,
}

impl OwnedLedger {
    /// Sorts lines and draws those of an order and product together.
    pub fn from_lines(lines: &[LedgerLine]) -> OwnedLedger {
        let mut lines = lines.to_vec();
        lines.sort_by_key(|l| (l.customer, l.day, l.order, l.product as u32));
        let mut ledger = OwnedLedger::default();
        for (number, order) in
            lines.chunk_by(|a, b| (a.customer, a.day, a.order) == (b.customer, b.day, b.order)).enumerate()
        {
            let sales = |lines: &[LedgerLine]| lines.iter().filter(|l| l.money_e4 >= 0).count() as i32;
            let head = [order[0].customer, order[0].day, sales(order)];
            ledger.orders.iter_mut().zip(head).for_each(|(column, v)| column.push(v));
            ledger.customers = ledger.customers.max(order[0].customer as usize + 1);
            for part in order.chunk_by(|a, b| a.product == b.product) {
                let product = part[0].product;
                ledger.products = ledger.products.max((product + 1) as usize);
                let uncosted = part.iter().filter(|l| l.cost_e4.is_none()).count() as i32;
                let row = [number as i32, product, sales(part), uncosted];
                ledger.rows.iter_mut().zip(row).for_each(|(column, v)| column.push(v));
                let sold = || part.iter().filter(|l| l.money_e4 >= 0);
                let money = [
                    sold().map(|l| l.units_e4).sum(),
                    sold().map(|l| l.money_e4).sum(),
                    part.iter().filter(|l| l.money_e4 < 0).map(|l| -l.money_e4).sum(),
                    sold().filter_map(|l| l.cost_e4).sum(),
                    part.iter().filter(|l| l.money_e4 < 0).filter_map(|l| l.cost_e4).map(|c: i64| -c).sum(),
                ];
                ledger.money.iter_mut().zip(money).for_each(|(column, v): (_, i64)| column.push(v));
            }
        }
        ledger
    }

    /// Its columns.
    pub fn ledger(&self, net_returns: bool) -> Ledger<'_> {
        let [order_customer, order_day, order_sales] = &self.orders;
        let [order, product, sales, uncosted] = &self.rows;
        let [units_e4, gross_e4, returned_e4, cost_e4, returned_cost_e4] = &self.money;
        Ledger {
            customers: self.customers,
            products: self.products,
            order_customer,
            order_day,
            order_sales,
            order,
            product,
            sales,
            units_e4,
            gross_e4,
            returned_e4,
            cost_e4,
            returned_cost_e4,
            uncosted,
            net_returns,
        }
    }
}
