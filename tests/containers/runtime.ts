/** Why tests with containers are skipped; '' where they run. */
export const whyNoContainers = await reason();

async function reason(): Promise<string> {
  try {
    const { getContainerRuntimeClient } = await import('testcontainers');
    await getContainerRuntimeClient();
    return '';
  } catch (error) {
    return `skipped: ${error instanceof Error ? error.message : String(error)}`;
  }
}
