//! A seeded shop: customers whose rates, lifetimes and spend are known.
