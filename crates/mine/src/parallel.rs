//! Sums whose bits do not depend on the number of threads.

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

/// Rows that are summed one after another.
const CHUNK: usize = 4096;

/// Adds up `K` sums over `0..n`: chunks side by side, then the chunks in order.
pub(crate) fn sum<const K: usize>(n: usize, add: impl Fn(usize, &mut [f64; K]) + Sync + Send) -> [f64; K] {
    let parts: Vec<[f64; K]> = (0..n.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let mut sums = [0.0; K];
            for i in chunk * CHUNK..((chunk + 1) * CHUNK).min(n) {
                add(i, &mut sums);
            }
            sums
        })
        .collect();
    let mut total = [0.0; K];
    for part in parts {
        for (t, p) in total.iter_mut().zip(part) {
            *t += p;
        }
    }
    total
}

/// `f(i)` for every `i` in `0..n`, side by side.
pub(crate) fn map<T: Send>(n: usize, f: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
    (0..n).into_par_iter().with_min_len(256).map(f).collect()
}

/// As [`sum`], for as many sums as the data ask for.
pub(crate) fn sums(n: usize, len: usize, add: impl Fn(usize, &mut [f64]) + Sync + Send) -> Vec<f64> {
    let parts: Vec<Vec<f64>> = (0..n.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| {
            let mut sums = vec![0.0; len];
            (chunk * CHUNK..((chunk + 1) * CHUNK).min(n)).for_each(|i| add(i, &mut sums));
            sums
        })
        .collect();
    let mut total = vec![0.0; len];
    for part in parts {
        total.iter_mut().zip(part).for_each(|(t, p)| *t += p);
    }
    total
}

/// `f(state, i)` for every `i` in `0..n`, side by side, for work of very different sizes: every worker makes one state and takes the next
/// number that nobody has. Results stand in order.
pub(crate) fn pull<S, T: Send>(
    n: usize,
    init: impl Fn() -> S + Sync,
    f: impl Fn(&mut S, usize) -> T + Sync,
) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let workers = rayon::current_num_threads().min(n).max(1);
    let mut done: Vec<(usize, T)> = (0..workers)
        .into_par_iter()
        .with_max_len(1)
        .flat_map_iter(|_| {
            let mut state = None;
            let mut own = Vec::new();
            loop {
                let i = next.fetch_add(1, Ordering::Relaxed);
                if i >= n {
                    return own;
                }
                own.push((i, f(state.get_or_insert_with(&init), i)));
            }
        })
        .collect();
    done.sort_unstable_by_key(|d| d.0);
    done.into_iter().map(|d| d.1).collect()
}
