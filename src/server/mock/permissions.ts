/** What each role may do (recording 21); `*` is everything. */
export type Role = 'owner' | 'user'

const USER = [
  'basic_text_generation',
  'use_tokenizer',
  'fundamental_model_access',
  'user_star_images',
  'manage_presets',
  'user_delete_image',
  'view_image_history',
  'fundamental_generate_tab_access',
  'param_video',
  'gridgen_generate_grids',
  'user_tab',
  'basic_image_generation',
  'read_user_settings',
  'edit_user_settings',
  'param_controlnet',
  'utilities_tab',
  'gridgen_save_grids',
  'edit_params',
  'simple_tab',
  'gridgen_read_grids',
  'fundamental',
  'model_params',
]

const OWNER = [
  '*',
  'configure_roles',
  'restart',
  'edit_model_metadata',
  'param_backend_type',
  'param_backend_id',
  'install',
  'comfy_read_workflows',
  'interrupt_others',
  'download_models',
  'view_server_tab',
  'comfy_backend_generate',
  'comfy_dynamic_custom_workflows',
  'view_backends_list',
  'comfy_edit_workflows',
  'server_debug_message',
  'add_remove_backends',
  'comfy_stored_custom_workflows',
  'shutdown',
  'admin_debug',
  'local_image_folder',
  'delete_models',
  'view_others_outputs',
  'control_model_refresh',
  'read_server_settings',
  'toggle_backends',
  'restart_backends',
  'manage_users',
  'automated_control',
  'comfy_direct_calls',
  'extra_loras',
  'load_models_now',
  'edit_wildcards',
  'install_features',
  'read_server_info_panels',
  'edit_server_settings',
  'pickle2safetensors',
  'view_logs',
  'reset_metadata',
  'control_mem_clean',
  'manage_extensions',
  'create_tensorrt',
  'edit_backends',
  'imagebatcher_use_image_batcher',
  ...USER,
]

/** Permissions that 0.9.7 did not have yet. */
const NEWER = new Set([
  'automated_control',
  'basic_text_generation',
  'interrupt_others',
  'simple_tab',
  'user_tab',
  'utilities_tab',
])

export function permissionsOf(role: Role, version: string): readonly string[] {
  const all = role === 'owner' ? OWNER : USER
  return version.startsWith('0.9.7') ? all.filter((permission) => !NEWER.has(permission)) : all
}

export function mayDo(role: Role, permission: string): boolean {
  return role === 'owner' || USER.includes(permission)
}
