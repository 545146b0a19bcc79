"""Frames in the memory of a GPU, for any framework that knows CUDA.

Frames come from the host here, so that NumPy is all that is needed beside the driver. A CuPy, JAX, Numba or
torch array on the GPU goes into `put` the same way, and is copied there.
"""

from __future__ import annotations

import numpy as np

from tensor_ipc import CudaUnavailableError, PoolMetadata, TensorConsumer, TensorProducer

POOL = "example-cuda"


def main() -> None:
    """Publish some frames, and read the newest and a window of them."""
    metadata = PoolMetadata(POOL, (480, 640), "float32", "cuda", history_len=3, device="cuda:0")
    try:
        producer = TensorProducer(metadata)
    except CudaUnavailableError as error:
        print(f"no GPU here: {error}")
        return
    with producer, TensorConsumer.attach(POOL) as consumer:
        for value in range(5):
            producer.put(np.full((480, 640), value, np.float32))
        producer.synchronize()  # frames are published when the GPU has them

        newest = consumer.get()  # cupy.from_dlpack(newest), jax.numpy.from_dlpack(newest), ...
        print(f"{newest.shape} {newest.dtype} on {newest.device}")
        address, read_only = newest.__cuda_array_interface__["data"]
        print(f"read-only: {read_only}, a view of the pool: {address % 512 == 0}")

        window = consumer.get_frames(3)  # one strided view
        print(f"frames {window.indices}, means {window.numpy().mean(axis=(1, 2)).tolist()}")

        # Work on a stream of your own: name it, and the frame stays until that is done.
        default_stream = 1
        window.record_stream(default_stream)
        window.release()


if __name__ == "__main__":
    main()
