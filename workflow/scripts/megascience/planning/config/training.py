"""Training presets: arguments of LLaMA-Factory that make sense here, and a few of our own."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from megascience.models.llamafactory import MADE_HERE
from megascience.planning.config.section import Number, Section, key, optional

#: What LLaMA-Factory takes as an argument's value.
Argument = bool | int | float | str | list[bool | int | float | str]

#: Keys that are ours; the others go to LLaMA-Factory under their own names.
OURS = ("global_batch", "epochs", "too_long", "extra")


class Preset(Section):
    """How a model is trained. A key that is not set is LLaMA-Factory's to decide."""

    stage: Literal["sft"] = key("Supervised fine-tuning.")
    finetuning_type: Literal["full", "freeze", "lora", "oft"] = key("Which weights are trained.")
    template: str = key("The name of the chat template.")
    learning_rate: Number = key("The highest learning rate.", gt=0)
    lr_scheduler_type: str | None = optional("How the learning rate falls, such as cosine.", unset="linear")
    warmup_ratio: Number | None = optional(
        "The share of the steps in which the learning rate rises.", unset=0, ge=0, le=1
    )
    warmup_steps: Number | None = optional("The steps in which it rises, in the place of warmup_ratio.", ge=0)
    global_batch: int = key("Sequences of one optimizer step, over all devices.", ge=1)
    cutoff_len: int = key("The longest sequence in tokens; `too_long` says what becomes of longer rows.", ge=1)
    too_long: Literal["drop", "cut", "refuse"] | None = optional(
        "What becomes of a row with more tokens than cutoff_len: it is dropped, it loses its end, or training stops.",
        unset="drop",
    )
    epochs: Number | None = optional("Passes over the dataset.", unset="as many as max_steps take", gt=0)
    max_steps: int | None = optional("Optimizer steps, in the place of epochs.", ge=1)
    bf16: bool | None = optional("Whether to compute in bfloat16.", unset=False)
    fp16: bool | None = optional("Whether to compute in float16.", unset=False)
    pure_bf16: bool | None = optional("Whether the weights are bfloat16 too.", unset=False)
    deepspeed: Literal["zero3"] | None = optional("Splits weights, gradients and optimizer over the GPUs (ZeRO-3).")
    use_cpu: bool | None = optional("Whether to train on the CPU, also where there is a GPU.", unset=False)
    optim: str | None = optional("The optimizer, such as adamw_torch.")
    weight_decay: Number | None = optional("Weight decay of the optimizer.", unset=0, ge=0)
    max_grad_norm: Number | None = optional("The norm that gradients are cut to.", unset=1.0, ge=0)
    adam_beta1: Number | None = optional("Of the optimizer Adam.", unset=0.9, ge=0, lt=1)
    adam_beta2: Number | None = optional("Of the optimizer Adam.", unset=0.999, ge=0, lt=1)
    adam_epsilon: Number | None = optional("Of the optimizer Adam.", unset=1e-8, gt=0)
    neftune_noise_alpha: Number | None = optional("Noise on the embeddings in training (NEFTune).", gt=0)
    seed: int | None = optional("Of the weights that are drawn and of the order of rows.", unset=42)
    packing: bool | None = optional("Whether sequences are packed into one up to cutoff_len.", unset=False)
    neat_packing: bool | None = optional("Packing without attention between the sequences.", unset=False)
    train_on_prompt: bool | None = optional("Whether the question is learnt too.", unset=False)
    flash_attn: Literal["auto", "disabled", "sdpa", "fa2", "fa3"] | None = optional(
        "The attention's code.", unset="auto"
    )
    enable_liger_kernel: bool | None = optional("Whether to use Liger's kernels.", unset=False)
    gradient_checkpointing: bool | None = optional("Whether activations are computed twice to save memory.")
    disable_gradient_checkpointing: bool | None = optional("Whether never to do so.", unset=False)
    rope_scaling: str | None = optional("How positions are scaled for longer contexts, such as linear or yarn.")
    preprocessing_num_workers: int | None = optional("Processes that tokenize.", ge=1)
    dataloader_num_workers: int | None = optional("Processes that load batches.", unset=0, ge=0)
    lora_rank: int | None = optional("The rank of LoRA's matrices.", unset=8, ge=1)
    lora_alpha: int | None = optional("The scale of LoRA's matrices.", unset="twice the rank", ge=1)
    lora_dropout: Number | None = optional("Dropout of LoRA's matrices.", unset=0, ge=0, le=1)
    lora_target: str | None = optional("The layers that get LoRA's matrices, with commas.", unset="all")
    freeze_trainable_layers: int | None = optional("Layers that `freeze` trains, the last ones.", unset=2)
    logging_steps: int | None = optional("Steps between two lines of the log.", unset=1, ge=1)
    save_steps: int | None = optional("Steps between two checkpoints.", unset=100, ge=1)
    trust_remote_code: bool | None = optional("Whether code that comes with the model may run.", unset=False)
    extra: Annotated[dict[str, Argument], Field(min_length=1)] | None = optional(
        "Further arguments of LLaMA-Factory, handed over as they are: nobody checks their names before training."
    )

    @model_validator(mode="after")
    def _ends(self) -> "Preset":
        if self.epochs is None and self.max_steps is None:
            raise ValueError("neither epochs nor max_steps says how long to train; add one of them")
        for name in self.extra or {}:
            if name in MADE_HERE:
                raise ValueError(f"extra.{name} is set by the workflow; take it out")
            if name in Preset.model_fields:
                raise ValueError(f"extra.{name} is a key of the preset itself; write it there")
        return self
