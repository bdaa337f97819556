"""Which of diffusers' schedulers are run, with which configs and for how many steps; record.py runs them."""

from itertools import product

from diffusers import (
    DDIMInverseScheduler,
    DDIMScheduler,
    DEISMultistepScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    HeunDiscreteScheduler,
    LCMScheduler,
    PNDMScheduler,
    UniPCMultistepScheduler,
)
from diffusers.schedulers import AysSchedules

SD15 = dict(
    beta_start=0.00085,
    beta_end=0.012,
    beta_schedule="scaled_linear",
    steps_offset=1,
    set_alpha_to_one=False,
    clip_sample=False,
)
TRAINED = dict(
    num_train_timesteps=60, trained_betas=[round(0.001 + 0.0004 * i, 6) for i in range(60)]
)
PREDICTIONS = ("epsilon", "sample", "v_prediction")
SPACINGS = ("leading", "trailing", "linspace")
STEPS = (7, 10, 25, 50)
FEW_AND_MANY = (7, 50)
SIGMAS = tuple({f"use_{name}_sigmas": True} for name in ("karras", "exponential", "beta"))
LEVELS = {k: SD15[k] for k in ("beta_start", "beta_end", "beta_schedule", "steps_offset")}


def all_runs():
    """Each a scheduler's class, its config and a number of steps, or a list of timesteps."""
    return [
        *(*ddim_runs(), *inverse_runs(), *pndm_runs(), *ancestral_runs(), *dpm_runs()),
        *(*euler_runs(), *heun_runs(), *unipc_runs(), *deis_runs(), *lcm_runs()),
        *(*dpm_sigma_runs(), *listed_runs()),
    ]


def ddim_runs():
    ranges = (
        {},
        dict(clip_sample=True, clip_sample_range=1.5),
        dict(thresholding=True, dynamic_thresholding_ratio=0.9, sample_max_value=2.5),
    )
    for prediction, spacing, zero, kept, steps in product(
        PREDICTIONS, SPACINGS, (False, True), ranges, STEPS
    ):
        if zero and prediction == "epsilon" and spacing != "leading":
            continue  # divides by zero
        yield (
            DDIMScheduler,
            SD15
            | kept
            | dict(
                prediction_type=prediction,
                timestep_spacing=spacing,
                rescale_betas_zero_snr=zero,
            ),
            steps,
        )
    for steps in STEPS:
        yield DDIMScheduler, dict(beta_schedule="squaredcos_cap_v2"), steps
        yield DDIMScheduler, TRAINED, steps


def inverse_runs():
    for prediction, spacing, zero, clip, steps in product(
        PREDICTIONS, SPACINGS[:2], (False, True), (False, True), STEPS
    ):
        config = SD15 | dict(
            prediction_type=prediction,
            timestep_spacing=spacing,
            rescale_betas_zero_snr=zero,
            clip_sample=clip,
            clip_sample_range=1.5,
        )
        yield DDIMInverseScheduler, config, steps
    for steps in STEPS:
        yield DDIMInverseScheduler, {}, steps


def pndm_runs():
    base = {k: v for k, v in SD15.items() if k != "clip_sample"}
    for prediction, spacing, skip, steps in product(
        (PREDICTIONS[0], PREDICTIONS[2]), SPACINGS, (True, False), STEPS
    ):
        config = base | dict(
            prediction_type=prediction, timestep_spacing=spacing, skip_prk_steps=skip
        )
        yield PNDMScheduler, config, steps
    for steps in (1, 2, 3):
        yield PNDMScheduler, base | dict(skip_prk_steps=True), steps


def ancestral_runs():
    for prediction, spacing, zero, steps in product(
        (PREDICTIONS[0], PREDICTIONS[2]), SPACINGS, (False, True), STEPS
    ):
        config = LEVELS | dict(
            prediction_type=prediction, timestep_spacing=spacing, rescale_betas_zero_snr=zero
        )
        yield EulerAncestralDiscreteScheduler, config, steps


def dpm_runs():
    solvers = (
        dict(solver_order=1),
        dict(solver_order=2),
        dict(solver_order=2, solver_type="heun"),
        dict(solver_order=3),
    )
    for prediction, spacing, solver, steps in product(PREDICTIONS, SPACINGS, solvers, STEPS):
        config = LEVELS | solver | dict(prediction_type=prediction, timestep_spacing=spacing)
        yield DPMSolverMultistepScheduler, config, steps
    variants = (
        dict(use_karras_sigmas=True),
        dict(use_karras_sigmas=True, final_sigmas_type="sigma_min"),
        dict(use_karras_sigmas=True, beta_schedule="squaredcos_cap_v2"),
        dict(final_sigmas_type="sigma_min", lower_order_final=False),
        dict(final_sigmas_type="sigma_min", lower_order_final=False, solver_order=3),
        dict(final_sigmas_type="sigma_min", euler_at_final=True),
        dict(thresholding=True, dynamic_thresholding_ratio=0.9, sample_max_value=2.5),
        dict(rescale_betas_zero_snr=True),
        dict(beta_schedule="squaredcos_cap_v2", lambda_min_clipped=-5.1),
        dict(beta_schedule="squaredcos_cap_v2", lambda_min_clipped=-1, timestep_spacing="trailing"),
    )
    for prediction, variant, steps in product(PREDICTIONS[::2], variants, STEPS):
        yield DPMSolverMultistepScheduler, LEVELS | variant | dict(prediction_type=prediction), steps


def dpm_sigma_runs():
    """Of keys that only other classes know, too: they are read as its own defaults."""
    cosine = dict(beta_schedule="squaredcos_cap_v2")
    variants = (
        *SIGMAS[1:],
        *(sigmas | dict(final_sigmas_type="sigma_min") for sigmas in SIGMAS[1:]),
        *(sigmas | dict(solver_order=3) for sigmas in SIGMAS),
        *(sigmas | cosine for sigmas in SIGMAS[1:]),
        dict(solver_type="logrho"),
        dict(solver_type="bh2", solver_order=3),
    )
    for prediction, variant, steps in product(PREDICTIONS[::2], variants, FEW_AND_MANY):
        yield DPMSolverMultistepScheduler, LEVELS | variant | dict(prediction_type=prediction), steps


def euler_runs():
    for prediction, spacing, zero, steps in product(
        PREDICTIONS, SPACINGS, (False, True), FEW_AND_MANY
    ):
        config = LEVELS | dict(
            prediction_type=prediction, timestep_spacing=spacing, rescale_betas_zero_snr=zero
        )
        yield EulerDiscreteScheduler, config, steps
    for sigmas, spacing, last, steps in product(
        SIGMAS, SPACINGS, ("zero", "sigma_min"), FEW_AND_MANY
    ):
        config = LEVELS | sigmas | dict(timestep_spacing=spacing, final_sigmas_type=last)
        yield EulerDiscreteScheduler, config, steps
    for steps in (1, *STEPS):
        yield EulerDiscreteScheduler, {}, steps
        yield EulerDiscreteScheduler, TRAINED, steps


def heun_runs():
    clip = dict(clip_sample=True, clip_sample_range=1.5)
    for prediction, spacing, kept, steps in product(
        PREDICTIONS, SPACINGS, ({}, clip), FEW_AND_MANY
    ):
        config = LEVELS | kept | dict(prediction_type=prediction, timestep_spacing=spacing)
        yield HeunDiscreteScheduler, config, steps
    for sigmas, spacing, steps in product(SIGMAS, SPACINGS, FEW_AND_MANY):
        yield HeunDiscreteScheduler, LEVELS | sigmas | dict(timestep_spacing=spacing), steps
    for steps in (1, *STEPS):
        yield HeunDiscreteScheduler, {}, steps


THRESHOLD = dict(thresholding=True, dynamic_thresholding_ratio=0.9, sample_max_value=2.5)


def unipc_runs():
    for prediction, spacing, order, steps in product(
        PREDICTIONS, SPACINGS, (1, 2, 3), FEW_AND_MANY
    ):
        config = LEVELS | dict(
            prediction_type=prediction, timestep_spacing=spacing, solver_order=order
        )
        yield UniPCMultistepScheduler, config, steps
    clean = dict(final_sigmas_type="sigma_min")
    variants = (
        *SIGMAS,
        *(sigmas | clean for sigmas in SIGMAS),
        *(sigmas | dict(solver_order=3) for sigmas in SIGMAS),
        clean | dict(solver_type="bh1"),
        clean | dict(solver_type="bh1", solver_order=3),
        clean | dict(lower_order_final=False, solver_order=3),
        dict(solver_type="midpoint"),
        dict(disable_corrector=[0, 1, 4]),
        dict(rescale_betas_zero_snr=True),
        dict(beta_schedule="squaredcos_cap_v2"),
        THRESHOLD,
    )
    for prediction, variant, steps in product(PREDICTIONS[::2], variants, FEW_AND_MANY):
        yield UniPCMultistepScheduler, LEVELS | variant | dict(prediction_type=prediction), steps
    for steps in (1, *STEPS):
        yield UniPCMultistepScheduler, {}, steps


def deis_runs():
    for prediction, spacing, order, steps in product(
        PREDICTIONS, SPACINGS, (1, 2, 3), FEW_AND_MANY
    ):
        config = LEVELS | dict(
            prediction_type=prediction, timestep_spacing=spacing, solver_order=order
        )
        yield DEISMultistepScheduler, config, steps
    variants = (
        *SIGMAS,
        *(sigmas | dict(solver_order=3) for sigmas in SIGMAS),
        dict(lower_order_final=False, solver_order=3),
        dict(algorithm_type="dpmsolver++", solver_type="midpoint"),
        dict(beta_schedule="squaredcos_cap_v2"),
        THRESHOLD,
    )
    for prediction, variant, steps in product(PREDICTIONS[::2], variants, FEW_AND_MANY):
        yield DEISMultistepScheduler, LEVELS | variant | dict(prediction_type=prediction), steps
    for steps in (1, *STEPS):
        yield DEISMultistepScheduler, {}, steps


def lcm_runs():
    variants = (
        {},
        dict(rescale_betas_zero_snr=True),
        dict(timestep_scaling=4.0, original_inference_steps=100),
        dict(clip_sample=True, clip_sample_range=1.5),
        THRESHOLD,
    )
    for prediction, variant, steps in product(PREDICTIONS, variants, (1, 4, 7, 50)):
        if prediction == "epsilon" and "rescale_betas_zero_snr" in variant:
            continue  # divides by zero
        yield LCMScheduler, variant | dict(prediction_type=prediction), steps
    yield LCMScheduler, TRAINED, 50


def listed_runs():
    lists = (
        *(AysSchedules[f"StableDiffusion{name}Timesteps"] for name in ("", "XL")),
        [999, 759, 499, 259],
        [700],
        list(range(990, 0, -20)),
    )
    kinds = (
        (EulerDiscreteScheduler, LEVELS),
        (EulerDiscreteScheduler, LEVELS | dict(timestep_spacing="leading")),
        (HeunDiscreteScheduler, LEVELS),
        (DPMSolverMultistepScheduler, LEVELS),
        (LCMScheduler, {}),
    )
    for (kind, config), timesteps in product(kinds, lists):
        yield kind, config, timesteps


def tables():
    return [
        {},
        dict(num_train_timesteps=1100),
        SD15,
        SD15 | dict(rescale_betas_zero_snr=True),
        dict(beta_schedule="squaredcos_cap_v2"),
        dict(beta_schedule="squaredcos_cap_v2", rescale_betas_zero_snr=True),
        TRAINED,
    ]
