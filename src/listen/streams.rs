//! The streams of an HTTP/2 connection: tasks of its thread.

/// Runs streams on their connection's thread.
#[derive(Debug, Clone, Copy)]
pub(super) struct Streams;

impl<F: Future + 'static> hyper::rt::Executor<F> for Streams {
    fn execute(&self, stream: F) {
        tokio::task::spawn_local(async move {
            stream.await;
        });
    }
}
