"""Models in onnxruntime, all with the same settings: nothing printed, no thread that spins."""

from typing import TYPE_CHECKING

from voxgate.errors import PackError

if TYPE_CHECKING:
    import onnxruntime


def open_session(
    model: bytes, name: str, *, threads: int = 1, keep_memory: bool = True
) -> "onnxruntime.InferenceSession":
    """A session on the very bytes that are given, to run on so many threads.

    Args:
        model: the ONNX file.
        name: whose it is, for messages.
        threads: how many it may use.
        keep_memory: whether memory is kept from one run for the next.

    Raises:
        PackError: onnxruntime cannot run them.
    """
    import onnxruntime  # noqa: PLC0415 - takes a moment, and is only needed to run a model

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.enable_cpu_mem_arena = options.enable_mem_pattern = keep_memory
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle means idle
    options.log_severity_level = 4  # fatal only: what goes wrong is raised, not printed
    try:
        return onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no other base
        reason = str(error).partition("\n")[0]
        raise PackError(f"onnxruntime cannot run the model of {name}: {reason}") from error
