//! Products and their categories: rolled up, or mixed in one set (Srikant & Agrawal 1995).

use super::Baskets;
use crate::MineError;

/// Levels above an item, at most. Ancestors are listed for every item, so a deep chain would cost memory by its square.
pub const MOST_LEVELS: u32 = 64;

/// Why a hierarchy cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A node is its own ancestor: the nodes of the circle, each below the next, the last below the first.
    Circle(Vec<u32>),
    /// A node has more than [`MOST_LEVELS`] ancestors.
    TooDeep(u32),
}

/// For each node its ancestors, the nearest first. `parent[node]` is the node above, if there is one.
///
/// # Errors
/// [`Fault`].
pub fn ancestors(parent: &[Option<u32>]) -> Result<Vec<Vec<u32>>, Fault> {
    check(parent)?;
    let up = |node: u32| parent.get(node as usize).copied().flatten();
    Ok(parent.iter().map(|above| std::iter::successors(*above, |node| up(*node)).collect()).collect())
}

/// Goes up from every node once, as far as nothing is known yet.
fn check(parent: &[Option<u32>]) -> Result<(), Fault> {
    // Ancestors of each node; those of nodes on the way are not known yet.
    let mut levels: Vec<Option<u32>> = vec![None; parent.len()];
    let mut place_on_way: Vec<Option<usize>> = vec![None; parent.len()];
    for start in 0..parent.len() {
        let mut way: Vec<usize> = Vec::new();
        let mut at = Some(start);
        while let Some(node) = at.filter(|n| *n < parent.len() && levels[*n].is_none()) {
            if let Some(place) = place_on_way[node] {
                let mut circle: Vec<u32> = way[place..].iter().map(|n| *n as u32).collect();
                // The smallest one comes last, whatever node met the circle first.
                let smallest = (0..circle.len()).min_by_key(|i| circle[*i]).unwrap_or(0);
                let first = (smallest + 1) % circle.len();
                circle.rotate_left(first);
                return Err(Fault::Circle(circle));
            }
            place_on_way[node] = Some(way.len());
            way.push(node);
            at = parent[node].map(|p| p as usize);
        }
        // The topmost node of the way has what lies above it, and each below has one more.
        let top = match at {
            None => 0,
            Some(known) => levels.get(known).copied().flatten().map_or(1, |n| n + 1),
        };
        for (above, node) in (top..).zip(way.into_iter().rev()) {
            if above > MOST_LEVELS {
                return Err(Fault::TooDeep(node as u32));
            }
            levels[node] = Some(above);
        }
    }
    Ok(())
}

/// Each item replaced by its topmost ancestor; items without one stay.
///
/// # Errors
/// If `ancestors` does not fit the baskets.
pub fn roll_up(baskets: &Baskets, ancestors: &[Vec<u32>]) -> Result<Baskets, MineError> {
    let top = |item: u32| ancestors.get(item as usize).and_then(|a| a.last()).copied().unwrap_or(item);
    let lists = baskets.iter().map(|b| b.iter().map(|i| top(*i)).collect::<Vec<u32>>());
    Baskets::from_lists(lists, baskets.items())
}

/// Each basket with the ancestors of its items added. Mine it with [`apart`], else every item makes a set with its category.
///
/// # Errors
/// If `ancestors` does not fit the baskets.
pub fn mixed(baskets: &Baskets, ancestors: &[Vec<u32>]) -> Result<Baskets, MineError> {
    let lists = baskets.iter().map(|b| {
        let above = b.iter().flat_map(|i| ancestors.get(*i as usize).into_iter().flatten());
        b.iter().chain(above).copied().collect::<Vec<u32>>()
    });
    Baskets::from_lists(lists, baskets.items())
}

/// For each item, those that may not stand in a set with it: its ancestors and the items below it.
pub fn apart(ancestors: &[Vec<u32>]) -> Vec<Vec<u32>> {
    let mut apart = ancestors.to_vec();
    for (item, above) in ancestors.iter().enumerate() {
        for node in above {
            if let Some(list) = apart.get_mut(*node as usize) {
                list.push(item as u32);
            }
        }
    }
    apart
}
