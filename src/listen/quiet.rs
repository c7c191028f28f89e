//! A socket isn't asked for bytes again while none can have come since it was asked last, and gets small pieces in one.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A socket that rings when something came. hyper asks for bytes wherever some might be, several times for each message,
/// and most often there are none: that is known here without asking the runtime, which has whom to wake since the first
/// time.
#[derive(Debug)]
pub(crate) struct Quiet<T> {
    io: T,
    /// Whom it wakes, for the task that asked last.
    bell: Option<(Arc<Bell>, Waker)>,
    /// It had nothing when it was asked last.
    is_waiting: bool,
}

/// A task's waker that tells whether it was used.
#[derive(Debug)]
struct Bell {
    task: Waker,
    has_rung: AtomicBool,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_rung.store(true, Relaxed); // seen by the task, which is woken behind it
        self.task.wake_by_ref();
    }
}

impl<T> Quiet<T> {
    pub(crate) const fn new(io: T) -> Self {
        Self { io, bell: None, is_waiting: false }
    }

    /// The socket, for what isn't reading.
    pub(crate) const fn get_ref(&self) -> &T {
        &self.io
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Quiet<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.bell.as_ref().is_some_and(|(bell, _)| bell.task.will_wake(cx.waker())) {
            this.bell = None; // another task's
            this.is_waiting = false;
        }
        let (bell, waker) = this.bell.get_or_insert_with(|| {
            let bell = Arc::new(Bell { task: cx.waker().clone(), has_rung: AtomicBool::new(false) });
            (Arc::clone(&bell), Waker::from(bell))
        });
        if this.is_waiting && !bell.has_rung.load(Relaxed) {
            return Poll::Pending;
        }
        bell.has_rung.store(false, Relaxed);
        let polled = Pin::new(&mut this.io).poll_read(&mut Context::from_waker(waker), buf);
        this.is_waiting = polled.is_pending();
        polled
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Quiet<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let io = Pin::new(&mut self.get_mut().io);
        if bufs.iter().map(|buf| buf.len()).sum::<usize>() > JOINED_BYTES_MAX {
            return io.poll_write_vectored(cx, bufs);
        }
        let mut space = [MaybeUninit::uninit(); JOINED_BYTES_MAX];
        let mut joined = ReadBuf::uninit(&mut space);
        bufs.iter().for_each(|buf| joined.put_slice(buf));
        io.poll_write(cx, joined.filled())
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

/// So many bytes of a head and its body are sooner joined than gathered by the system: a head and 4 KiB.
const JOINED_BYTES_MAX: usize = 5 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use tokio::io::AsyncWriteExt;
    use tokio::net::{TcpListener, TcpStream};

    /// Counts how often what is inside is asked.
    struct Asked<T>(T, usize);

    impl<T: AsyncRead + Unpin> AsyncRead for Asked<T> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            self.1 += 1;
            Pin::new(&mut self.0).poll_read(cx, buf)
        }
    }

    #[derive(Default)]
    struct Wakes(AtomicUsize, tokio::sync::Notify);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
            self.1.notify_one();
        }
    }

    fn read<T: AsyncRead + Unpin>(quiet: &mut Quiet<T>, waker: &Waker) -> Poll<usize> {
        let mut space = [0; 64];
        let mut buf = ReadBuf::new(&mut space);
        let polled = Pin::new(quiet).poll_read(&mut Context::from_waker(waker), &mut buf);
        polled.map(|read| read.map(|()| buf.filled().len()).expect("reads"))
    }

    async fn pair() -> (Quiet<Asked<TcpStream>>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let far = TcpStream::connect(listener.local_addr().expect("address")).await.expect("connects");
        (Quiet::new(Asked(listener.accept().await.expect("accepts").0, 0)), far)
    }

    #[tokio::test]
    async fn it_is_asked_once_for_each_time_that_something_came() {
        let (mut quiet, mut far) = pair().await;
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        for _ in 0..3 {
            assert_eq!(read(&mut quiet, &waker), Poll::Pending);
        }
        assert_eq!(quiet.io.1, 1, "nothing can have come");
        for round in 1..=2 {
            far.write_all(b"x").await.expect("writes");
            wakes.1.notified().await;
            assert_eq!(read(&mut quiet, &waker), Poll::Ready(1));
            assert_eq!(read(&mut quiet, &waker), Poll::Pending);
            assert_eq!(read(&mut quiet, &waker), Poll::Pending);
            assert_eq!((quiet.io.1, wakes.0.load(Relaxed)), (1 + 2 * round, round));
        }
        drop(far);
        wakes.1.notified().await;
        assert_eq!(read(&mut quiet, &waker), Poll::Ready(0), "its end comes, too");
    }

    /// Notes what is written, and whether the system was to gather it.
    #[derive(Default)]
    struct Written(Vec<(Vec<u8>, bool)>);

    impl AsyncWrite for Written {
        fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            self.0.push((buf.to_vec(), false));
            Poll::Ready(Ok(buf.len()))
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bufs: &[io::IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let all: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).collect();
            let count = all.len();
            self.0.push((all, true));
            Poll::Ready(Ok(count))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn small_pieces_are_written_as_one_and_large_ones_as_they_are() {
        for length in [0, 128, JOINED_BYTES_MAX - 4, JOINED_BYTES_MAX - 3, JOINED_BYTES_MAX] {
            let (mut quiet, body) = (Quiet::new(Written::default()), vec![b'b'; length]);
            let bufs = [&b"he"[..], b"ad", &body].map(io::IoSlice::new);
            let mut cx = Context::from_waker(Waker::noop());
            let polled = Pin::new(&mut quiet).poll_write_vectored(&mut cx, &bufs);
            assert!(matches!(polled, Poll::Ready(Ok(count)) if count == 4 + length));
            let all = [&b"head"[..], &body].concat();
            assert!(quiet.io.0 == [(all, 4 + length > JOINED_BYTES_MAX)], "{length}");
        }
    }

    #[tokio::test]
    async fn another_task_that_asks_is_woken_in_place_of_the_first() {
        let (mut quiet, mut far) = pair().await;
        let (first, second) = (Arc::new(Wakes::default()), Arc::new(Wakes::default()));
        assert_eq!(read(&mut quiet, &Waker::from(first.clone())), Poll::Pending);
        assert_eq!(read(&mut quiet, &Waker::from(second.clone())), Poll::Pending);
        far.write_all(b"x").await.expect("writes");
        second.1.notified().await;
        assert_eq!((first.0.load(Relaxed), second.0.load(Relaxed)), (0, 1));
    }
}
