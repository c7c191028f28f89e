//! A thread with a runtime of its own, for what is done beside the messages.

use std::io;
use std::thread::JoinHandle;
use tokio::sync::watch;
use tokio::task::LocalSet;

/// A thread that works until it is stopped, or dropped.
pub struct Background {
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

/// Changes when the work is to end.
pub type Stopped = watch::Receiver<bool>;

impl Background {
    /// Starts `work` on a thread of that name; it ends when its [`Stopped`] changes.
    ///
    /// # Errors
    /// The system's, where it has no thread or runtime to give.
    pub fn start<F: Future<Output = ()>>(
        name: &str,
        work: impl FnOnce(Stopped) -> F + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || LocalSet::new().block_on(&runtime, work(stopped)))?;
        Ok(Self { stop, thread })
    }

    /// Stops it, and waits for its end.
    pub fn stop(self) {
        let _ = self.stop.send(true); // it ended before, where it panicked
        let _ = self.thread.join();
    }
}
