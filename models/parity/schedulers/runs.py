"""Which of diffusers' schedulers are run, with which configs and for how many steps; record.py runs them."""

from itertools import product

from diffusers import (
    DDIMInverseScheduler,
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    PNDMScheduler,
)

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


def all_runs():
    """Each a scheduler's class, its config and a number of steps."""
    return [*ddim_runs(), *inverse_runs(), *pndm_runs(), *euler_runs(), *dpm_runs()]


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


def euler_runs():
    base = {k: SD15[k] for k in ("beta_start", "beta_end", "beta_schedule", "steps_offset")}
    for prediction, spacing, zero, steps in product(
        (PREDICTIONS[0], PREDICTIONS[2]), SPACINGS, (False, True), STEPS
    ):
        config = base | dict(
            prediction_type=prediction, timestep_spacing=spacing, rescale_betas_zero_snr=zero
        )
        yield EulerAncestralDiscreteScheduler, config, steps


def dpm_runs():
    base = {k: SD15[k] for k in ("beta_start", "beta_end", "beta_schedule", "steps_offset")}
    solvers = (
        dict(solver_order=1),
        dict(solver_order=2),
        dict(solver_order=2, solver_type="heun"),
        dict(solver_order=3),
    )
    for prediction, spacing, solver, steps in product(PREDICTIONS, SPACINGS, solvers, STEPS):
        config = base | solver | dict(prediction_type=prediction, timestep_spacing=spacing)
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
        yield DPMSolverMultistepScheduler, base | variant | dict(prediction_type=prediction), steps


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
