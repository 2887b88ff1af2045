//! Work on many things at once, results in order.

use anyhow::Result;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// Does `work` on every item, as many at once as there are processors; `done` gets the results in the order of the
/// items, as soon as they are there. The first error ends it.
pub(crate) fn each<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R> + Sync,
    done: impl FnMut(&T, R) -> Result<()>,
) -> Result<()> {
    each_of(std::thread::available_parallelism().map_or(1, usize::from), items, work, done)
}

/// The same for work that mostly waits, `workers` at once.
pub(crate) fn each_of<T: Sync, R: Send>(
    workers: usize,
    items: &[T],
    work: impl Fn(&T) -> Result<R> + Sync,
    mut done: impl FnMut(&T, R) -> Result<()>,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        for _ in 0..workers {
            let (send, next, work) = (send.clone(), &next, &work);
            scope.spawn(move || {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(i) else { return };
                    if send.send((i, work(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let (mut waiting, mut due) = (BTreeMap::new(), items.iter().enumerate().peekable());
        for (i, result) in receive {
            // Without this the others would go on to the end.
            waiting.insert(i, result.inspect_err(|_| next.store(items.len(), Ordering::Relaxed))?);
            while let Some((_, item)) = due.peek().copied()
                && let Some(result) = due.peek().and_then(|(at, _)| waiting.remove(at))
            {
                due.next();
                done(item, result)?;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order() {
        let items: Vec<u64> = (0..50).collect();
        let mut seen = Vec::new();
        each(
            &items,
            |n| Ok(n * 2),
            |n, r| {
                seen.push((*n, r));
                Ok(())
            },
        )
        .unwrap();
        assert_eq!(seen, items.iter().map(|n| (*n, n * 2)).collect::<Vec<_>>());
        let fails = |n: &u64| if *n == 3 { anyhow::bail!("three") } else { Ok(()) };
        assert!(each(&items, fails, |_, ()| Ok(())).is_err());
    }
}
