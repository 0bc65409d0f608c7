"""Weights: a GGUF file requantised, made a Hugging Face checkpoint, or asked for its tokenizer."""

import logging
from pathlib import Path

from megascience.storage.errors import InputError
from megascience.storage.files import atomic_file

logger = logging.getLogger("megascience")


def requantize(source: str | Path, target: str | Path, kind: str) -> None:
    """Write a GGUF file again with its quantised tensors in another type; other tensors stay as they are.

    Args:
        source, target: GGUF files.
        kind: a type that gguf-py can write, such as "Q4_0" or "Q8_0". Q4_0 has the fastest kernels of
            llama.cpp on a CPU, at some cost in precision: the values are rounded a second time.

    Raises:
        InputError: unknown type, or one that gguf-py cannot write.
    """
    import gguf

    try:
        wanted = gguf.GGMLQuantizationType[kind.upper()]
        file_type = gguf.LlamaFileType[f"MOSTLY_{kind.upper()}"]
    except KeyError:
        raise InputError(f"config: quantize: {kind!r} is no GGUF type; Q4_0 and Q8_0 are") from None
    plain = (gguf.GGMLQuantizationType.F32, gguf.GGMLQuantizationType.F16, gguf.GGMLQuantizationType.BF16)
    block = gguf.GGML_QUANT_SIZES[wanted][0]
    reader = gguf.GGUFReader(source)
    architecture = reader.get_field("general.architecture")
    if architecture is None:
        raise InputError(f"{source}: a GGUF file without general.architecture; fetch another file")
    with atomic_file(target) as handle:
        writer = gguf.GGUFWriter(handle.name, architecture.contents())
        for field in reader.fields.values():
            if field.name == "general.architecture" or field.name.startswith("GGUF."):
                continue  # the writer makes these itself
            value = int(file_type) if field.name == "general.file_type" else field.contents()
            inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(field.name, value, field.types[0], sub_type=inner)
        for tensor in reader.tensors:
            if tensor.tensor_type in plain or tensor.shape[0] % block:
                writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
                continue
            values = gguf.dequantize(tensor.data, tensor.tensor_type)
            try:
                packed = gguf.quantize(values, wanted)
            except NotImplementedError:
                raise InputError(f"config: quantize: gguf-py cannot write {kind!r}; take Q4_0 or Q8_0") from None
            writer.add_tensor(tensor.name, packed, raw_dtype=wanted)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


def save_tokenizer(source: Path, folder: Path) -> None:
    """Write the tokenizer and the chat template of a GGUF file as a Hugging Face tokenizer folder."""
    from transformers import AutoTokenizer

    AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name, local_files_only=True).save_pretrained(folder)


def to_huggingface(source: Path, folder: Path) -> None:
    """Write a GGUF file as a Hugging Face checkpoint in bfloat16 with its tokenizer and chat template.

    What quantisation rounded stays rounded: the checkpoint is the quantised model in another form.
    """
    import torch
    from transformers import AutoModelForCausalLM, GgufConfig
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    model = AutoModelForCausalLM.from_pretrained(
        source.parent,
        gguf_file=source.name,
        dtype=torch.bfloat16,
        quantization_config=GgufConfig(dequantize=True),
        local_files_only=True,
    )
    model.save_pretrained(folder)
    save_tokenizer(source, folder)
